import { readdir } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { saveFiles } from "../../src/nodes/saving/output-files.ts";
import { openWorkbench, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench[Symbol.asyncDispose]());

const facts = { width: 8, height: 8 };
const wanted = { type: "output", prefix: "sub/pic", extension: ".bin", facts, count: 6 } as const;
const bytes = new Uint8Array(3);
const saved = () => readdir(path.join(bench.files.folder("output"), "sub"));

test.each([
  ["before the first file", 0],
  ["between two", 3],
  ["at the last one", 5],
])("of a save that is cancelled %s nothing stays", async (_, at) => {
  const stop = new AbortController();
  const content = (index: number) => {
    if (index === at) stop.abort(new Error("cancelled"));
    return bytes;
  };

  const saving = saveFiles(bench.context({ signal: stop.signal }), { ...wanted, content });

  await expect(saving).rejects.toThrow("cancelled");
  expect(await saved()).toEqual([]);
});

test("of a save of which one file fails nothing stays, however slow the others are", async () => {
  const content = async (index: number) => {
    if (index === 1) throw new Error("no such picture");
    await new Promise((resolve) => setTimeout(resolve, 20));
    return bytes;
  };

  await expect(saveFiles(bench.context(), { ...wanted, content })).rejects.toThrow("no such");
  expect(await saved()).toEqual([]);
});

test("a prefix that its values make too long is refused", async () => {
  const prompt = { "1": { class_type: "Text", inputs: { text: "x".repeat(5_000) } } };
  const request = { ...wanted, prefix: "%Text.text%", facts: { ...facts, prompt } };

  await expect(
    saveFiles(bench.context(), { ...request, content: () => bytes }),
  ).rejects.toMatchObject({ code: "FILE_REFUSED", message: expect.stringMatching(/got 5000$/) });
});
