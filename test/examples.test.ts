/** Every example, as a reader would start it, against a running service. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openService, type TestService } from "./support/service.ts";
import { seePicture } from "./support/shapes.ts";

const examples = fileURLToPath(new URL("../examples", import.meta.url));
let service: TestService;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "loom-examples-"));
  service = await openService({ worker: { MODELS_DIR: "models" } });
});
afterAll(async () => {
  await service[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

/** Runs a program to its end; throws with its output where it fails. */
async function runExample(command: string, ...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(command, args, {
    cwd: examples,
    timeout: 60_000,
    env: {
      ...process.env,
      LOOM_URL: service.url,
      AMQP_URL: service.broker.amqpUrl,
      LOOM_PREFIX: service.fleet.prefix,
    },
  });
  return stdout;
}

async function sizeOf(file: string) {
  const { width, height, format } = await sharp(await readFile(file)).metadata();
  return { width, height, format };
}

test("curl sends a workflow and gets the picture of its text in one request", async () => {
  const target = join(folder, "curl.png");
  await runExample("sh", "01-curl.sh", target);
  expect(await seePicture(target)).toMatchObject({
    background: "yellow",
    shapes: [{ colour: "red" }, { colour: "blue" }],
  });
  const saved = join(service.fleet.dataDir, "output", "shapes_00001_.png");
  expect((await readFile(target)).equals(await readFile(saved))).toBe(true);
});

test("the TypeScript client uploads a picture, follows every node and saves what comes out", async () => {
  const program = ["--conditions=@rabbitloom/source", "--import=tsx", "02-typescript-client.ts"];
  const output = await runExample(process.execPath, ...program, folder);
  const named = [...output.matchAll(/^node (\d) (?:starts|is known)/gm)].map(([, node]) => node);
  expect(new Set(named)).toEqual(new Set(["1", "2", "3", "4", "5", "6", "7", "8"]));
  expect(output).toContain("the job succeeded");
  expect(output).toMatch(/^node 6 shows \d+ bytes$/m);
  const saved = output.trim().split("\n").at(-1) ?? "";
  expect(await seePicture(saved)).toMatchObject({ background: "blue" });
});

test("Python's own library submits, polls and fetches the picture", async () => {
  const target = join(folder, "python.png");
  await runExample("python3", "03-python.py", target);
  expect(await sizeOf(target)).toEqual({ width: 320, height: 200, format: "png" });
});

test("requests alone gets a picture in one call, and comes back for another", async () => {
  const target = join(folder, "requests.png");
  const output = await runExample("/usr/bin/python3", "python/queue_prompt.py", target);
  expect(await sizeOf(target)).toEqual({ width: 320, height: 200, format: "png" });
  expect(output).toMatch(/^later_00001_\.png$/m);
});

test("a STOMP client with a ticket reads the whole log of a job, in order", async () => {
  const program = ["--experimental-websocket", "04-browser-stomp.mjs"];
  const output = await runExample(process.execPath, ...program);
  expectWholeLog(output);
});

test("a service with amqplib alone gets events and the picture on its own queue", async () => {
  const output = await runExample(process.execPath, "05-amqp-service.mjs");
  expectWholeLog(output);
  expect(output).toMatch(/^\d+ picture of \d+ bytes$/m);
});

test("the embedded engine counts its steps and prints the path of the picture", async () => {
  const program = ["--conditions=@rabbitloom/source", "--import=tsx", "06-embedded.ts"];
  const lines = (await runExample(process.execPath, ...program, folder)).trim().split("\n");
  expect(lines.filter((line) => line.startsWith("step"))).toContain("step 20 of 20");
  expect(await seePicture(lines.at(-1) ?? "")).toMatchObject({ background: "yellow" });
  expect((await sharp(await readFile(join(folder, "preview.jpg"))).metadata()).format).toBe("jpeg");
});

test.each([
  "01-curl.sh",
  "02-typescript-client.ts",
  "03-python.py",
  "04-browser-stomp.mjs",
  "05-amqp-service.mjs",
  "06-embedded.ts",
  "07-browser-fetch.html",
  "python/queue_prompt.py",
])("%s is shorter than 60 lines", async (name) => {
  const lines = (await readFile(join(examples, name), "utf8")).trimEnd().split("\n");
  expect(lines.length).toBeLessThan(60);
});

/** The numbers count from 1 without a gap, from job-start to job-end. */
function expectWholeLog(output: string): void {
  const lines = output.trim().split("\n");
  expect(lines.map((line) => Number.parseInt(line, 10))).toEqual(lines.map((_line, i) => i + 1));
  expect(lines[0]).toMatch(/^1 job-start/);
  expect(lines.at(-1)).toMatch(/^\d+ job-end/);
}
