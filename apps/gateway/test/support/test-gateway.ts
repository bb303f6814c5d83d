import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeCatalogSchema, topology } from "@rabbitloom/protocol";
import type { FastifyInstance } from "fastify";
import { pino } from "pino";
import { readConfig } from "../../src/config.ts";
import { createGateway } from "../../src/gateway.ts";
import { fixture } from "./fixture.ts";
import { type MemoryAmqp, memoryAmqp } from "./memory-amqp.ts";
import { type MemoryStore, memoryStore } from "./memory-store.ts";

export interface TestGateway extends AsyncDisposable {
  readonly app: FastifyInstance;
  readonly store: MemoryStore;
  readonly amqp: MemoryAmqp;
  readonly folders: Readonly<Record<"input" | "output" | "temp" | "user", string>>;
}

/** Made once: a key takes longer than all the rest of a gateway. */
export const { privateKey: signingKey, publicKey: signingPublicKey } = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
  publicKeyEncoding: { type: "spki", format: "pem" },
});

/** The whole gateway over a store and a broker in memory, with files in a folder of its own. */
export async function testGateway(
  environment: Readonly<Record<string, string>> = {},
  { hasCatalog = true }: { readonly hasCatalog?: boolean } = {},
): Promise<TestGateway> {
  const folder = await mkdtemp(join(tmpdir(), "loom-gateway-"));
  const config = readConfig([], {
    DATA_DIR: join(folder, "data"),
    JWT_PRIVATE_KEY_FILE: join(folder, "jwt-private.pem"),
    CONSOLE_DIR: join(folder, "console"),
    GATEWAY_ID: "gw-test",
    LOG_LEVEL: "silent",
    ALLOWED_HOSTS: "loom.test",
    ...environment,
  });
  await Promise.all(Object.values(config.folders).map((path) => mkdir(path, { recursive: true })));
  await writeFile(config.jwt.privateKeyFile, signingKey);
  const store = memoryStore();
  if (hasCatalog)
    store.catalogNow = {
      nodes: nodeCatalogSchema.parse(await fixture("catalog.json")),
      models: {},
      digest: "one",
    };
  let amqp: MemoryAmqp | undefined;
  const app = await createGateway({
    config,
    names: topology({ prefix: "test" }),
    store,
    logger: pino({ level: config.logLevel }),
    auditLine: () => {},
    openAmqp: async (listeners) => {
      amqp = memoryAmqp(listeners);
      return amqp;
    },
  });
  if (amqp === undefined) throw new Error("the gateway did not open its broker");
  return {
    app,
    store,
    amqp,
    folders: config.folders,
    async [Symbol.asyncDispose]() {
      await app.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
