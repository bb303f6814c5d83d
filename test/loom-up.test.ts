/** The one script's life: up, what it says, what crashes, down. With the built programs, as people start it. */
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FleetStatus } from "../apps/loom/src/fleet/fleet-status.ts";
import { isAlive } from "../apps/loom/src/fleet/process-identity.ts";
import { readState } from "../apps/loom/src/fleet/state.ts";
import { seePicture } from "./support/shapes.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
let data: string;
/** Stands on the port that the gateway wants. */
const stranger = createServer();
let strangersPort: number;
beforeAll(async () => {
  // Compiles the programs, as every verb that needs them does.
  await promisify(execFile)(join(root, "loom"), ["bench", "--list"]);
  data = await mkdtemp(join(tmpdir(), "loom-up-"));
  stranger.listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const address = stranger.address();
  strangersPort = typeof address === "object" && address !== null ? address.port : 0;
}, 300_000);
afterAll(async () => {
  await loom("down");
  stranger.close();
  await rm(data, { recursive: true, force: true });
}, 60_000);

async function loom(...args: string[]): Promise<string> {
  const program = join(root, "apps/loom/dist/main.js");
  const { AMQP_URL: _amqp, REDIS_URL: _redis, ...env } = process.env;
  const run = promisify(execFile)(process.execPath, [program, ...args, "--data", data], { env });
  return (await run).stdout;
}

async function fleet(): Promise<FleetStatus> {
  return JSON.parse(await loom("status", "--json"));
}

test("a fleet goes up beside a stranger on its port, loses a worker, gets it back, and goes down whole", async () => {
  await mkdir(join(data, "models/checkpoints"), { recursive: true });
  await writeFile(join(data, "models/checkpoints/mine.safetensors"), "");
  const report = await loom("up", "--detach", "--workers", "2", "--port", String(strangersPort));
  expect(report).toContain(`port ${strangersPort} is in use: the gateway listens on`);

  const picture = /^the first picture, from text: (.*)$/m.exec(report)?.[1] ?? "";
  expect(await seePicture(picture)).toMatchObject({
    background: "yellow",
    shapes: [{ colour: "red" }, { colour: "blue" }],
  });
  // The picture is told before its worker says that it is idle again.
  await expect
    .poll(fleet)
    .toMatchObject({ phase: "ready", workers: [{ state: "idle" }, { state: "idle" }] });
  const up = await fleet();
  expect((await fetch(`${up.gateway}/readyz`)).status).toBe(200);
  expect((await fetch(`${up.gateway}/`)).headers.get("content-type")).toContain("text/html");
  const checkpoints: unknown = await (await fetch(`${up.gateway}/models/checkpoints`)).json();
  expect(checkpoints).toEqual(["loom-shapes.safetensors", "mine.safetensors"]);

  expect(await loom("up", "--detach")).toMatch(/^already up/);

  const [victim] = up.workers;
  process.kill(victim?.pid ?? 0, "SIGKILL");
  await expect
    .poll(async () => (await fleet()).workers[0], { timeout: 10_000 })
    .toMatchObject({ id: victim?.id, state: "dead", exit: "SIGKILL" });
  expect(await loom("workers", "3")).toMatch(/^3 workers/);
  expect(await loom("workers", "1")).toMatch(/^1 worker:/);
  expect((await fleet()).workers).toMatchObject([{ state: "idle" }]);

  const target = join(data, "saved");
  const workflow = join(root, "examples/workflows/text-to-image.json");
  const saved = (await loom("submit", workflow, "--output", target)).trim().split("\n");
  expect(saved).toEqual((await readdir(target)).map((name) => join(target, name)));
  expect(await loom("logs", "gateway")).toBeDefined();

  const state = await readState(data);
  expect(await loom("down")).toMatch(/^stopped .*rabbitmq/);
  for (const { process: identity } of state?.parts ?? [])
    expect(await isAlive(identity)).toBe(false);
  expect(stranger.listening).toBe(true);
}, 240_000);

test("up starts a fleet again whose gateway has died", async () => {
  await loom("up", "--detach", "--no-example", "--workers", "1", "--port", "0");
  const gateway = (await fleet()).parts.find(({ name }) => name === "gateway");
  process.kill(gateway?.pid ?? 0, "SIGKILL");
  await expect
    .poll(async () => (await fleet()).parts.find(({ name }) => name === "gateway"))
    .toMatchObject({ state: "dead" });

  const report = await loom("up", "--detach", "--no-example", "--workers", "1", "--port", "0");
  expect(report).toMatch(/^gateway \(SIGKILL\) had ended: the fleet starts again/);
  const again = await fleet();
  expect(again).toMatchObject({ phase: "ready", workers: [{ state: "idle" }] });
  expect((await fetch(`${again.gateway}/readyz`)).status).toBe(200);
  await loom("down");
}, 120_000);

test("down stops what is left of a fleet whose supervisor was killed", async () => {
  await loom("up", "--detach", "--workers", "1", "--no-example", "--port", "0");
  const state = await readState(data);
  process.kill(state?.supervisor.pid ?? 0, "SIGKILL");
  await expect.poll(async () => (await fleet()).phase).toBe("orphaned");

  await loom("down");

  for (const { process: identity } of state?.parts ?? [])
    expect(await isAlive(identity)).toBe(false);
}, 120_000);

test("run needs no fleet: it prints the path of the picture that the shipped model made", async () => {
  const workflow = join(root, "examples/workflows/text-to-image.json");
  const [path = ""] = (await loom("run", workflow)).trim().split("\n");
  expect(await seePicture(path)).toMatchObject({
    background: "yellow",
    shapes: [{ colour: "red" }, { colour: "blue" }],
  });
}, 60_000);
