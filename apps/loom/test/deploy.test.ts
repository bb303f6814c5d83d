/** What can be said of the container files without a container engine: they are valid, pinned, and agree with the code. */
import { execFile } from "node:child_process";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Ajv } from "ajv";
import { validate } from "dockerfile-utils";
import { expect, test } from "vitest";
import { parse } from "yaml";
import * as z from "zod";
import { readConfig as readGatewayConfig } from "../../gateway/src/config.ts";
import { readConfig as readWorkerConfig } from "../../worker/src/config.ts";
import { repositoryRoot } from "../src/config.ts";

const read = (path: string) => readFile(join(repositoryRoot, path), "utf8");
const compose = z
  .object({
    services: z.record(
      z.string(),
      z.object({
        image: z.string().optional(),
        build: z.object({ dockerfile: z.string(), target: z.string() }).optional(),
        environment: z.record(z.string(), z.string()).default({}),
        volumes: z.array(z.string()).default([]),
        profiles: z.array(z.string()).default([]),
        healthcheck: z.unknown().optional(),
        user: z.string().optional(),
        read_only: z.boolean().default(false),
        cap_drop: z.array(z.string()).default([]),
        cap_add: z.array(z.string()).default([]),
        security_opt: z.array(z.string()).default([]),
        privileged: z.boolean().default(false),
      }),
    ),
  })
  .parse(parse(await read("docker-compose.yml"), { merge: true }));
const dockerfile = await read("deploy/Dockerfile");

function schemaErrors(document: unknown, schema: object): unknown[] {
  const check = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  check(document);
  return check.errors ?? [];
}

test("docker-compose.yml is valid by the Compose Specification's schema", async () => {
  const schema: unknown = JSON.parse(await read("deploy/compose-schema/compose-spec.json"));
  const { $schema: _dialect, ...rest } = z.record(z.string(), z.unknown()).parse(schema);
  const document: unknown = parse(await read("docker-compose.yml"), { merge: true });
  expect(schemaErrors(document, rest)).toEqual([]);
  expect(schemaErrors({ services: { gateway: { imagee: "x" } } }, rest)).not.toEqual([]);
});

test("the Dockerfile has no complaint from the linter, which does complain about a bad one", () => {
  expect(validate(dockerfile).map(({ message }) => message)).toEqual([]);
  expect(validate("FROM node:20\nCOPPY . .")).not.toEqual([]);
});

test("every image is pinned to a full version", () => {
  const images = [
    ...Object.values(compose.services).flatMap(({ image }) => image ?? []),
    ...[...dockerfile.matchAll(/^FROM (\S+:\S+)/gm)].map(([, image]) => image),
  ];
  expect(images.length).toBeGreaterThan(3);
  for (const image of images) expect(image).toMatch(/:\d+\.\d+\.\d+(-[a-z0-9.-]+)?$/);
});

test("every stage that is started runs as a user without rights", () => {
  const stages = dockerfile.split(/^FROM /m).slice(1);
  const started = stages.filter((stage) => stage.includes("\nCMD "));
  expect(started).toHaveLength(3);
  for (const stage of started) {
    expect(stage.startsWith("runtime AS") || stage.includes("\nUSER node\n")).toBe(true);
  }
  expect(stages.find((stage) => stage.includes(" AS runtime"))).toContain("\nUSER node\n");
});

test("every container gives up root, all capabilities and the way to new ones", () => {
  const { services } = compose;
  expect(Object.keys(services)).toEqual(
    expect.arrayContaining(["gateway", "worker", "worker-gpu"]),
  );
  for (const [name, service] of Object.entries(services)) {
    const { cap_drop, cap_add, security_opt, privileged } = service;
    expect({ name, cap_drop, cap_add, security_opt, privileged }).toEqual({
      name,
      cap_drop: ["ALL"],
      cap_add: [],
      security_opt: ["no-new-privileges:true"],
      privileged: false,
    });
    // Those that are built have their user from the Dockerfile; others would start as root.
    const user = service.build === undefined ? service.user : userOf(service.build.target);
    expect([name, user]).toEqual([name, expect.stringMatching(/^(node|rabbitmq|redis)$/)]);
    if (service.build !== undefined) expect(service.user).toBeUndefined();
  }
});

test("every container but the broker's has a root file system that nobody writes to", () => {
  const writable = Object.entries(compose.services).filter(([, service]) => !service.read_only);
  expect(writable.map(([name]) => name)).toEqual(["rabbitmq"]);
});

test("the targets and files that docker-compose.yml names are there", async () => {
  for (const { build, volumes } of Object.values(compose.services)) {
    if (build !== undefined)
      expect(await read(build.dockerfile)).toContain(` AS ${build.target}\n`);
    for (const volume of volumes.filter((entry) => entry.startsWith("./"))) {
      await read(volume.split(":")[0] ?? "");
    }
  }
});

test("gateway and workers understand the environment that they are given", () => {
  const given = (name: string) => {
    const entries = Object.entries(compose.services[name]?.environment ?? {});
    return Object.fromEntries(entries.map(([key, text]) => [key, withDefaults(text)]));
  };
  expect(readGatewayConfig([], given("gateway"))).toMatchObject({
    amqpUrl: "amqp://loom:secret@rabbitmq:5672/%2F",
    stompUrl: "ws://rabbitmq:15674/ws",
  });
  for (const name of ["worker", "worker-gpu"]) {
    expect(readWorkerConfig([], given(name)).redisUrl).toBe("redis://redis:6379");
  }
});

test("workers find the models that come along, and before them those that are mounted", () => {
  const stages = dockerfile.split(/^FROM /m).filter((stage) => / AS worker(-gpu)?\n/.test(stage));
  expect(stages).toHaveLength(2);
  for (const stage of stages) {
    const [, MODELS_DIR] = /MODELS_DIR=(\S+)/.exec(stage) ?? [];
    expect(readWorkerConfig([], { MODELS_DIR }).engine.models).toEqual(["/models", "/app/models"]);
    expect(stage).toContain("\nCOPY models /app/models\n");
  }
  expect(compose.services.worker?.volumes).toContain(`\${LOOM_MODELS:-./models}:/models:ro`);
});

test("workers come in a profile for processors and one for devices", () => {
  expect(compose.services.worker?.profiles).toEqual(["cpu"]);
  expect(compose.services["worker-gpu"]?.profiles).toEqual(["gpu"]);
});

test("the keys that a container makes are a pair, and are kept when it runs again", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loom-keys-"));
  const makeKeys = () =>
    promisify(execFile)(process.execPath, [join(repositoryRoot, "deploy/make-keys.mjs"), folder]);
  await makeKeys();
  const privateKey = await readFile(join(folder, "jwt-private.pem"), "utf8");
  const publicKey = await readFile(join(folder, "jwt-public.pem"), "utf8");
  await makeKeys();
  expect(await readFile(join(folder, "jwt-private.pem"), "utf8")).toBe(privateKey);
  const derived = createPublicKey(createPrivateKey(privateKey));
  expect(derived.equals(createPublicKey(publicKey))).toBe(true);
  await rm(folder, { recursive: true });
});

/** As compose fills variables in: `${NAME:-default}` and `${NAME:?message}`. */
function withDefaults(text: string): string {
  return text.replaceAll(/\$\{\w+:-([^}]*)\}/g, "$1").replaceAll(/\$\{\w+:\?[^}]*\}/g, "secret");
}

/** The user that a stage of the Dockerfile ends with: its own, or that of the stage that it is made from. */
function userOf(target: string): string | undefined {
  const stages = dockerfile.split(/^FROM /m).slice(1);
  const stage = stages.find((text) => text.split("\n", 1)[0]?.endsWith(` AS ${target}`));
  if (stage === undefined) return undefined;
  const own = [...stage.matchAll(/^USER (\S+)$/gm)].at(-1)?.[1];
  return own ?? userOf(stage.split(" ", 1)[0] ?? "");
}
