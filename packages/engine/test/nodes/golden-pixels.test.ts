/**
 * Pictures recorded from ComfyUI 0.3.64 on a CPU: the graphs, what went in and what came out, as
 * raw bytes. Rules that copy values or count in integers must agree to the byte; rules that sum
 * floats may truncate to the neighbouring byte.
 */
import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { batchPixels } from "../../src/image/pixels.ts";
import { encodePng } from "../../src/image/png/encode.ts";
import { isTensor } from "../support/tensors.ts";
import { openWorkbench, type Workbench } from "./evaluate.ts";

const pictureSchema = z.object({
  mode: z.enum(["RGB", "RGBA"]),
  size: z.tuple([z.int(), z.int()]),
  raw_b64: z.base64(),
});
const nodeSchema = z.object({ class_type: z.string(), inputs: z.record(z.string(), z.unknown()) });
const goldenSchema = z.object({
  sources: z.record(z.string(), pictureSchema),
  cases: z.record(
    z.string(),
    z.object({ graph: z.record(z.string(), nodeSchema), images: z.array(pictureSchema) }),
  ),
});
const golden = goldenSchema.parse(
  JSON.parse(readFileSync(new URL("../fixtures/pixels.json", import.meta.url), "utf8")),
);

/** Steps of 255 that a node may be off, where its rule sums floats; every other node is exact. */
const TOLERANCES: readonly [RegExp, number][] = [
  [/bilinear|bicubic|area/, 1],
  [/^(ImageBatch|ImageCompositeMasked) resize/, 1],
  [/^ResizeAndPadImage/, 1],
  [/^ImageBlur/, 1],
  [/^PorterDuff/, 1],
];

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
  for (const [name, { mode, size, raw_b64 }] of Object.entries(golden.sources)) {
    const [width, height] = size;
    const bytes = Buffer.from(raw_b64, "base64");
    const png = await encodePng({ width, height, channels: mode === "RGBA" ? 4 : 3, bytes });
    await writeFile(path.join(bench.files.folder("input"), name), png);
  }
});
afterAll(() => bench[Symbol.asyncDispose]());

describe("a recorded graph gives the recorded pixels", () => {
  test.each(Object.entries(golden.cases))("%s", async (name, { graph, images }) => {
    const shown = graph.out?.inputs.images;
    if (!Array.isArray(shown)) throw new Error("the recording has no output node");
    const result = await bench.evaluate(graph, String(shown[0]), Number(shown[1]));
    const shownImages = (Array.isArray(result) ? result : [result]).filter(isTensor);

    const pictures = shownImages.flatMap(batchPixels);
    expect(pictures.map(({ width, height }) => [width, height])).toEqual(
      images.map(({ size }) => size),
    );
    const tolerance = TOLERANCES.find(([names]) => names.test(name))?.[1] ?? 0;
    for (const [index, picture] of pictures.entries()) {
      const expected = Buffer.from(images[index]?.raw_b64 ?? "", "base64");
      expect(largestDifference(picture.bytes, expected)).toBeLessThanOrEqual(tolerance);
    }
  });
});

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - (b[i] ?? 0))), 0);
}
