import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  Comfy,
  type ComfyOptions,
  PromptFailedError,
  PromptRefusedError,
} from "../../src/index.ts";
import { promptOf, type ShortGraph } from "../support/run-graph.ts";

const toys = fileURLToPath(new URL("../fixtures/packs/toys", import.meta.url));
let root = "";
beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), "comfy-test-"));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function open(options: ComfyOptions = {}): Comfy {
  const folders = { input: path.join(root, "input"), output: path.join(root, "output") };
  return new Comfy({ ...folders, nodes: [toys], inline: true, ...options });
}

const sleeping = (milliseconds: number): ShortGraph => ({
  a: ["Sleep", { milliseconds }],
  out: ["Echo", { value: ["a", 0] }],
});

test("a prompt's pictures come back with the paths where they lie, from a process of its own", async () => {
  const picture: ShortGraph = {
    "1": ["EmptyImage", { width: 8, height: 4, batch_size: 2, color: 255 }],
    "9": ["SaveImage", { images: ["1", 0], filename_prefix: "sub/blue" }],
    "10": ["PreviewImage", { images: ["1", 0] }],
  };
  let preview = "";
  {
    await using comfy = open({ inline: false });
    const outputs = await comfy.queuePrompt(promptOf(picture));
    expect(outputs["9"]?.images).toEqual([
      {
        filename: "blue_00001_.png",
        subfolder: "sub",
        type: "output",
        abs_path: path.join(root, "output/sub/blue_00001_.png"),
      },
      expect.objectContaining({ filename: "blue_00002_.png" }),
    ]);
    preview = outputs["10"]?.images?.[0]?.abs_path ?? "";
    expect(existsSync(preview)).toBe(true);
    const png = await readFile(outputs["9"]?.images?.[0]?.abs_path ?? "");
    expect(png.subarray(1, 4).toString()).toBe("PNG");
  }
  expect(existsSync(preview)).toBe(false);
});

test("a prompt may be text, and in the form that the editor saves", async () => {
  await using comfy = open();
  const text = JSON.stringify(promptOf({ out: ["Echo", { value: 3 }] }));
  expect(await comfy.queuePrompt(text)).toEqual({ out: { values: [3] } });
  const saved = {
    nodes: [
      {
        id: 1,
        type: "Sleep",
        mode: 0,
        inputs: [],
        outputs: [{ name: "FLOAT", type: "FLOAT", links: [1] }],
        widgets_values: [2],
      },
      {
        id: 2,
        type: "Echo",
        mode: 0,
        inputs: [{ name: "value", type: "*", link: 1 }],
        outputs: [],
      },
    ],
    links: [[1, 1, 0, 2, 0, "FLOAT"]],
    version: 0.4,
  };
  expect(await comfy.queuePrompt(saved)).toEqual({ "2": { values: [2] } });
});

test("progress yields every event, for readers who come late too, and ends with the prompt", async () => {
  await using comfy = open();
  const task = comfy.queueWithProgress(promptOf(sleeping(1)));
  const types: string[] = [];
  for await (const event of task.progress()) types.push(event.type);
  expect(types).toEqual([
    "nodes-cached",
    "node-start",
    "node-progress",
    "node-preview",
    "node-end",
    "node-start",
    "node-output",
    "node-end",
  ]);
  expect(await task.result()).toEqual({ out: { values: [1] } });
  const again: string[] = [];
  for await (const event of task.progress()) again.push(event.type);
  expect(again).toEqual(types);
});

test("a preview carries its facts and is decoded on request", async () => {
  await using comfy = open();
  const task = comfy.queueWithProgress(
    promptOf({
      "1": ["EmptyImage", { width: 3, height: 2, batch_size: 1, color: 0xff0000 }],
      "2": ["SaveImageWebsocket", { images: ["1", 0] }],
    }),
  );
  for await (const event of task.progress()) {
    if (event.type !== "node-preview") continue;
    expect(event).toMatchObject({ nodeId: "2", contentType: "image/png" });
    const decoded = await event.decode();
    expect(decoded.shape).toEqual([1, 2, 3, 3]);
    expect([...decoded.data.subarray(0, 3)]).toEqual([1, 0, 0]);
  }
  expect((await task.result())["2"]).toBeUndefined();
});

test("a prompt that is not valid is refused with what is wrong, by node", async () => {
  await using comfy = open();
  const refused = await comfy.queuePrompt(promptOf({ out: ["Echo"] })).catch((cause) => cause);
  expect(refused).toBeInstanceOf(PromptRefusedError);
  expect(refused).toMatchObject({
    code: "VALIDATION_FAILED",
    nodeErrors: { out: { errors: [{ type: "required_input_missing" }] } },
    failure: { error: { type: "prompt_outputs_failed_validation" } },
  });
  await expect(comfy.queuePrompt("{")).rejects.toBeInstanceOf(PromptRefusedError);
  await expect(comfy.queuePrompt({ a: { class_type: "Nope", inputs: {} } })).rejects.toMatchObject({
    code: "INVALID_PROMPT",
  });
});

test.each([true, false])("a node's failure keeps its cause (inline: %s)", async (inline) => {
  await using comfy = open({ inline });
  const failed = await comfy
    .queuePrompt(promptOf({ a: ["Fail", { text: "too far" }], out: ["Echo", { value: ["a", 0] }] }))
    .catch((cause) => cause);
  expect(failed).toBeInstanceOf(PromptFailedError);
  expect(failed).toMatchObject({
    code: "NODE_FAILED",
    message: 'node "a" (Fail): too far',
    node: { nodeId: "a", nodeType: "Fail", inputs: { text: ["too far"] } },
    cause: { name: "RangeError", message: "too far" },
  });
});

test("prompts queue in order, or run side by side as configured", async () => {
  const order = async (concurrency: number) => {
    await using comfy = open({ concurrency });
    const ended: number[] = [];
    await Promise.all(
      [600, 300, 1].map((milliseconds) =>
        comfy.queuePrompt(promptOf(sleeping(milliseconds))).then(() => ended.push(milliseconds)),
      ),
    );
    return ended;
  };
  expect(await order(1)).toEqual([600, 300, 1]);
  expect(await order(3)).toEqual([1, 300, 600]);
});

test("a task is cancelled while it runs, while it waits, and by the caller's signal", async () => {
  await using comfy = open();
  const running = comfy.queueWithProgress(promptOf(sleeping(60_000)));
  const waiting = comfy.queueWithProgress(promptOf(sleeping(60_000)));
  const controller = new AbortController();
  const signalled = comfy.queuePrompt(promptOf(sleeping(60_000)), { signal: controller.signal });
  signalled.catch(() => {});
  waiting.cancel(new Error("not needed"));
  await expect(waiting.result()).rejects.toThrow("not needed");
  for await (const event of running.progress())
    if (event.type === "node-progress") running.cancel();
  await expect(running.result()).rejects.toMatchObject({ name: "AbortError" });
  controller.abort(new Error("from outside"));
  await expect(signalled).rejects.toThrow("from outside");
  expect(await comfy.queuePrompt(promptOf(sleeping(1)))).toEqual({ out: { values: [1] } });
});

test("disposing ends what is under way and refuses what comes after", async () => {
  const comfy = open();
  const task = comfy.queueWithProgress(promptOf(sleeping(60_000)));
  for await (const { type } of task.progress()) if (type === "node-progress") break;
  await comfy[Symbol.asyncDispose]();
  await expect(task.result()).rejects.toMatchObject({ code: "JOB_CANCELLED" });
  await expect(comfy.queuePrompt(promptOf(sleeping(1)))).rejects.toMatchObject({
    code: "JOB_CANCELLED",
  });
});

test("an engine that cannot be opened says why, and a later prompt tries again", async () => {
  await using comfy = open({ output: path.join(toys, "index.ts", "below-a-file") });
  await expect(comfy.queuePrompt({})).rejects.toMatchObject({ code: "ENOTDIR" });
  await expect(comfy.queuePrompt({})).rejects.toMatchObject({ code: "ENOTDIR" });
});

test("a program that forgets to dispose still ends, and its engine and temporary files with it", async () => {
  const temporary = path.join(root, "temporary");
  await mkdir(temporary);
  const index = new URL("../../src/index.ts", import.meta.url).href;
  const program = `
    import { Comfy } from ${JSON.stringify(index)};
    const comfy = new Comfy(${JSON.stringify({ input: root, output: root, nodes: [toys] })});
    const outputs = await comfy.queuePrompt({ out: { class_type: "Echo", inputs: { value: process.ppid } } });
    console.log(JSON.stringify(outputs));
    process.on("exit", () => console.log("ended"));
  `;
  const tsx = createRequire(import.meta.url).resolve("tsx");
  const child = spawn(
    process.execPath,
    ["--conditions=@rabbitloom/source", "--import", tsx, "--input-type=module", "--eval", program],
    { cwd: root, stdio: ["ignore", "pipe", "inherit"], env: { TMPDIR: temporary } },
  );
  let printed = "";
  child.stdout.on("data", (chunk) => {
    printed += chunk;
  });
  const exitCode = await new Promise((resolve) => child.once("close", resolve));
  expect(exitCode).toBe(0);
  expect(printed).toContain(`{"out":{"values":[${process.pid}]}}`);
  expect(printed).toContain("ended");
  const folders = async () =>
    (await readdir(temporary)).filter((name) => name.startsWith("rabbit"));
  await expect.poll(folders, { timeout: 5000 }).toEqual([]);
});
