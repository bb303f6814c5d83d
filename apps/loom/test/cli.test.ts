import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { commands } from "../src/cli/commands.ts";
import { runCli } from "../src/cli/run-cli.ts";

let folder: string;
let written: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "loom-cli-"));
  written = [];
  const write = (...words: unknown[]) => void written.push(words.join(" "));
  vi.spyOn(console, "log").mockImplementation(write);
  vi.spyOn(console, "error").mockImplementation(write);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await rm(folder, { recursive: true });
});

test("without a verb the overview names every verb that people call", async () => {
  expect(await runCli([])).toBe(0);
  for (const { name, isInternal } of commands) {
    expect(written.join("\n").includes(`\n  ${name} `)).toBe(!isInternal);
  }
});

test.each(commands.map(({ name }) => name))(
  "%s has a help text that shows how to call it",
  async (name) => {
    expect(await runCli([name, "--help"])).toBe(0);
    expect(written.join("\n")).toMatch(new RegExp(`^Usage: ./loom ${name}`));
  },
);

test.each([
  [["frobnicate"], /there is no verb "frobnicate"/],
  [["up", "--frob"], /Unknown option '--frob'/],
  [["up", "--workers", "many"], /--workers: expected a whole number from 0 to 64, got "many"/],
  [["up", "--port", "65536"], /--port: expected a whole number from 0 to 65535, got "65536"/],
  [["workers"], /expected N, got none/],
  [["workers", "-1"], /Unknown option|expected/],
  [["workers", "1", "2"], /expected N, got 1 2/],
  [["submit"], /expected WORKFLOW\.json\|-, got none/],
  [["run", "/no/such/file.json"], /cannot read the workflow: ENOENT/],
  [["bench", "frob"], /expected one of .*, got frob/],
  [["test", "test/jobs-", "no/such"], /no test file's path contains "no\/such"$/],
])("%j is refused with exit code 2 and what was expected", async (args, message) => {
  expect(await runCli(args)).toBe(2);
  expect(written.join("\n")).toMatch(message);
});

test("a workflow that is refused says which node is wrong, and how", async () => {
  const file = join(folder, "workflow.json");
  const wide = { width: "wide", height: 16, batch_size: 1, color: 0 };
  const images = ["1", 0];
  const workflow = {
    "1": { class_type: "EmptyImage", inputs: wide },
    "2": { class_type: "SaveImage", inputs: { images, filename_prefix: "x" } },
  };
  await writeFile(file, JSON.stringify(workflow));
  expect(await runCli(["run", file, "--data", folder])).toBe(1);
  expect(written.join("\n")).toMatch(/node 1 \(EmptyImage\): Failed to convert .*width/);
});

test("what is wrong is said once", async () => {
  await runCli(["up", "--frob"]);
  expect(written.join("\n").split("Unknown option")).toHaveLength(2);
});

test.each([
  ["{", /expected a workflow in JSON/],
  ["[]", /expected a workflow, a JSON object/],
  ["17", /expected a workflow, a JSON object/],
])("a workflow file with %s is refused", async (content, message) => {
  const file = join(folder, "workflow.json");
  await writeFile(file, content);
  expect(await runCli(["run", file])).toBe(2);
  expect(written.join("\n")).toMatch(message);
});

test("status says that nothing is up with exit code 3, and in JSON with the same fields as ever", async () => {
  expect(await runCli(["status", "--json", "--data", folder])).toBe(3);
  expect(JSON.parse(written.join("\n"))).toMatchObject({
    phase: "down",
    gateway: null,
    stomp: null,
    amqp: null,
    redis: null,
    management: null,
    workers: [],
  });
});

test("down where nothing is up does nothing and succeeds", async () => {
  expect(await runCli(["down", "--data", folder])).toBe(0);
  expect(written.join("\n")).toContain("nothing is up");
});

test("workers and submit where nothing is up say which verb starts a fleet", async () => {
  const file = join(folder, "workflow.json");
  await writeFile(file, "{}");
  expect(await runCli(["workers", "2", "--data", folder])).toBe(1);
  expect(await runCli(["submit", file, "--data", folder])).toBe(1);
  expect(written.join("\n")).toMatch(/loom up starts one.*loom up starts one/s);
});
