import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { afterEach, beforeEach, expect, test } from "vitest";
import { filled } from "../../src/image/pointwise.ts";
import { createLocalNames } from "../../src/nodes/saving/local-names.ts";
import { tensor } from "../../src/tensor.ts";
import { readPngText } from "../support/png-text.ts";
import { openWorkbench, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeEach(async () => {
  bench = await openWorkbench();
});
afterEach(() => bench[Symbol.asyncDispose]());

const images = filled([1, 4, 6, 3], 0.5);
const save = (inputs: Record<string, unknown>, overrides = {}) =>
  bench.call("SaveImage", { images, filename_prefix: "ComfyUI", ...inputs }, overrides);
const output = (...parts: string[]) => path.join(bench.files.folder("output"), ...parts);

test("pictures are numbered from 1 under their prefix", async () => {
  const batch = filled([2, 4, 6, 3], 1);
  expect(await save({ images: batch })).toEqual({
    ui: {
      images: [
        { filename: "ComfyUI_00001_.png", subfolder: "", type: "output" },
        { filename: "ComfyUI_00002_.png", subfolder: "", type: "output" },
      ],
    },
  });
  await save({});
  await save({ filename_prefix: "other" });
  expect((await readdir(output())).sort()).toEqual([
    "ComfyUI_00001_.png",
    "ComfyUI_00002_.png",
    "ComfyUI_00003_.png",
    "other_00001_.png",
  ]);
});

test("values are cut, not rounded, to bytes, and clipped", async () => {
  const values = new Float32Array([-1, 0, 0.9999 / 255, 1 / 255, 1, 7]);
  await save({ images: tensor([1, 1, 2, 3], values) });
  const pixels = await sharp(output("ComfyUI_00001_.png")).raw().toBuffer();
  expect([...pixels]).toEqual([0, 0, 0, 1, 255, 255]);
});

test("a picture carries the prompt and the workflow as Python writes JSON", async () => {
  const prompt = { "1": { class_type: "É", inputs: { a: [1, 0.5, true, null], b: {} } } };
  await save({ prompt, extra_pnginfo: { workflow: { nodes: [], note: "日本" } } });
  expect(await readPngText(output("ComfyUI_00001_.png"))).toEqual({
    prompt: '{"1": {"class_type": "\\u00c9", "inputs": {"a": [1, 0.5, true, null], "b": {}}}}',
    workflow: '{"nodes": [], "note": "\\u65e5\\u672c"}',
  });
});

test("a picture saved without a prompt carries no text", async () => {
  await save({});
  expect(await readPngText(output("ComfyUI_00001_.png"))).toEqual({});
});

test("images with alpha are saved with alpha", async () => {
  await save({ images: filled([1, 2, 2, 4], 0.5) });
  const { channels } = await sharp(output("ComfyUI_00001_.png")).metadata();
  expect(channels).toBe(4);
});

test("numbers go on behind the highest file that is there", async () => {
  await writeFile(output("ComfyUI_00041_.png"), "old");
  await writeFile(output("ComfyUI_other_00900_.png"), "another prefix");
  await save({});
  expect(await readdir(output())).toContain("ComfyUI_00042_.png");
});

test("a file that another process made meanwhile is left alone", async () => {
  await save({});
  await writeFile(output("ComfyUI_00002_.png"), "theirs");
  await writeFile(output("ComfyUI_00003_.png"), "theirs");
  await save({});
  expect(await readFile(output("ComfyUI_00002_.png"), "utf8")).toBe("theirs");
  expect(await readFile(output("ComfyUI_00003_.png"), "utf8")).toBe("theirs");
  expect((await sharp(output("ComfyUI_00004_.png")).metadata()).width).toBe(6);
});

test("an allocator that forgot the folder catches up with it", async () => {
  for (let n = 1; n <= 30; n++) {
    await writeFile(output(`ComfyUI_${String(n).padStart(5, "0")}_.png`), "old");
  }
  let next = 1;
  const given: number[] = [];
  const allocateNames = ({ count, above = 0 }: { count: number; above?: number }) => {
    next = Math.max(next, above + 1);
    for (let number = next; number < next + count; number++) given.push(number);
    next += count;
    return Promise.resolve(next - count);
  };
  await save({ images: filled([3, 4, 6, 3], 0) }, { allocateNames });
  await save({}, { allocateNames });
  const saved = (await readdir(output())).sort().slice(30);
  expect(saved).toHaveLength(4);
  // Not one of theirs but those that were tried: what is given to a job may be removed with it.
  expect(given.filter((number) => number <= 30)).toEqual([1, 2, 3]);
});

test("a cancelled job saves nothing more", async () => {
  const controller = new AbortController();
  const waiting = save({ images: filled([9, 4, 6, 3], 0) }, { signal: controller.signal });
  controller.abort();
  await expect(waiting).rejects.toThrow(/aborted/);
  expect((await readdir(output())).length).toBeLessThan(9);
});

test("many saves at once get a number each and leave nothing else behind", async () => {
  await Promise.all(Array.from({ length: 20 }, () => save({})));
  const names = Array.from(
    { length: 20 },
    (_, i) => `ComfyUI_${String(i + 1).padStart(5, "0")}_.png`,
  );
  expect((await readdir(output())).sort()).toEqual(names);
});

test("the folder is listed once for a prefix, however often it is saved to", async () => {
  let listed = 0;
  const names = createLocalNames((type) => {
    listed += 1;
    return bench.files.folder(type);
  });
  for (let i = 0; i < 5; i++) await save({}, { allocateNames: names });
  expect(listed).toBe(1);
});

test("a prefix may name subfolders", async () => {
  expect(await save({ filename_prefix: "a/b/../c/pic" })).toMatchObject({
    ui: { images: [{ filename: "pic_00001_.png", subfolder: "a/c" }] },
  });
  expect(await readdir(output("a", "c"))).toEqual(["pic_00001_.png"]);
});

test.each(["", ".", "./", "a/../"])(
  "the prefix %j stays in the folder too",
  async (filename_prefix) => {
    expect(await save({ filename_prefix })).toMatchObject({
      ui: { images: [{ filename: "_00001_.png", subfolder: "" }] },
    });
    expect(await readdir(output())).toEqual(["_00001_.png"]);
  },
);

test("a prefix that no file system can hold is refused", async () => {
  await expect(save({ filename_prefix: "a\ud800" })).rejects.toThrow(/half a character/);
});

test.each(["../out", "/etc/out", "a/../../out", "..", "a\0b"])(
  "the prefix %j is refused, because it leaves the folder",
  async (filename_prefix) => {
    await expect(save({ filename_prefix })).rejects.toThrow(/leads out of the output folder/);
  },
);

test("size and batch number stand in for their words", async () => {
  const batch = filled([2, 4, 6, 3], 0);
  expect(
    await save({ images: batch, filename_prefix: "%width%x%height%-%batch_num%" }),
  ).toMatchObject({
    ui: { images: [{ filename: "6x4-0_00001_.png" }, { filename: "6x4-1_00002_.png" }] },
  });
});

test("previews go to the temporary folder under one random prefix a node", async () => {
  const state = new Map<string, unknown>();
  const first = await bench.call("PreviewImage", { images }, { state });
  const second = await bench.call("PreviewImage", { images }, { state });
  const [one, two] = (await readdir(bench.files.folder("temp"))).sort();
  expect(first).toEqual({ ui: { images: [{ filename: one, subfolder: "", type: "temp" }] } });
  expect(second).toMatchObject({ ui: { images: [{ filename: two }] } });
  expect(one).toMatch(/^ComfyUI_temp_[a-z]{5}_00001_\.png$/);
  expect(two).toBe(one?.replace("00001", "00002"));
});

test("SaveImageWebsocket sends PNG files and writes nothing", async () => {
  const progress: number[][] = [];
  const result = await bench.call(
    "SaveImageWebsocket",
    { images: filled([2, 4, 6, 3], 0.5) },
    { progress: (value: number, max: number) => progress.push([value, max]) },
  );
  expect(result).toEqual({});
  expect(progress).toEqual([
    [0, 2],
    [1, 2],
  ]);
  expect(bench.sent.map(({ contentType }) => contentType)).toEqual(["image/png", "image/png"]);
  expect((await sharp(bench.sent[1]?.bytes).metadata()).width).toBe(6);
  expect(await readdir(output())).toEqual([]);
});

test("MaskPreview shows the mask in grey", async () => {
  await bench.call("MaskPreview", { mask: filled([1, 2, 2], 0.25) });
  const [name = ""] = await readdir(bench.files.folder("temp"));
  const pixels = await sharp(path.join(bench.files.folder("temp"), name))
    .raw()
    .toBuffer();
  expect([...pixels.subarray(0, 3)]).toEqual([63, 63, 63]);
});
