import { readdir, stat } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { loadCheckpoint } from "../../src/models/checkpoint.ts";
import { predict } from "../../src/models/model.ts";
import { openWeights } from "../../src/models/open-weights.ts";
import { quantizeRows } from "../../src/models/quantize-rows.ts";
import { entryOf } from "../../src/models/weights.ts";
import { addsUpExactly, exactByteWeights } from "../../src/ort/exact-bytes.ts";
import { createQuantizedFiles } from "../../src/ort/quantized-files.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { openEngine } from "../../src/process/open-engine.ts";
import { tensor } from "../../src/tensor.ts";
import {
  checkpointBytes,
  drawn,
  layoutOf,
  openFolder,
  relativeError,
} from "../support/random-checkpoint.ts";

/** Eight bits leave 0.4 % of each layer's largest value, through the some thirty layers of the small UNet. */
const INT8_ERROR = 0.1;

const unetLayout = Object.fromEntries(
  Object.entries(layoutOf("sd1")).filter(([key]) => key.startsWith("model.diffusion_model.")),
);

const fitting = await exactByteWeights();

const inputs = {
  x: drawn("x", 2, 4, 6, 10),
  timesteps: Float32Array.of(999, 250),
  context: drawn("context", 2, 77, 64),
};

test("each row has a scale of its own, and its largest magnitude becomes 127", () => {
  const weight = tensor([2, 2, 1, 2], Float32Array.of(1, -0.5, 0, 0.25, 100, 50, 0, -100));
  const { values, scales } = quantizeRows(weight, 0);
  expect([...scales]).toEqual([1 / 127, 100 / 127].map(Math.fround));
  // Columns are the rows of before; down a column position comes before channel.
  expect([...new Int8Array(values.buffer)]).toEqual([127, 127, 0, 0, -63, 64, 32, -127]);
  expect([...quantizeRows(weight, 128).values]).toEqual([255, 255, 128, 128, 65, 192, 160, 1]);
});

test("a row of zeros stays zeros, and one with a NaN does not pass for a number", () => {
  const { values, scales } = quantizeRows(tensor([2, 2], Float32Array.of(0, 0, Number.NaN, 1)), 0);
  expect([values[0], values[2], scales[0]]).toEqual([0, 0, 0]);
  expect(scales[1]).toBeNaN();
});

test("sums of products are exact with the weights that the processor gets, and with unsigned ones on any", async () => {
  expect(await addsUpExactly(fitting)).toBe(true);
  expect(await addsUpExactly("U8")).toBe(true);
});

test.each([
  ["F32", "U8"],
  ["F16", fitting],
] as const)(
  "a UNet in 8 bits stays near the same in F32, from %s with weights as %s",
  async (type, bytes) => {
    await using folder = await openFolder();
    const file = await folder.write("a.safetensors", checkpointBytes(unetLayout, { type }));
    const cache = path.join(folder.folder, "int8");
    await using full = createRuntime();
    await using eightBits = createRuntime({
      quantization: {
        type: bytes,
        files: createQuantizedFiles({ folder: cache, maxBytes: 1e9 }),
      },
    });
    const exact = await predict((await loadCheckpoint(full, { file })).model, inputs);
    const near = await predict((await loadCheckpoint(eightBits, { file })).model, inputs);
    const error = relativeError(near, exact);
    expect(error).toBeLessThan(INT8_ERROR);
    expect(error, "nothing was computed in 8 bits").toBeGreaterThan(1e-4);
    expect(eightBits.usedBytes).toBeLessThan(full.usedBytes / 2);
  },
);

test("weights in 8 bits are kept for the next time, those of longest ago going first", async () => {
  await using folder = await openFolder();
  const cache = path.join(folder.folder, "int8");
  const sets = ["a", "b"].map(async (name) => {
    const file = await folder.write(name, checkpointBytes({ "x.weight": [4, 4] }));
    const entry = entryOf(await openWeights(file), "x.weight");
    return [{ name, entry, type: "U8" as const }];
  });
  const [a = [], b = []] = await Promise.all(sets);
  const small = createQuantizedFiles({ folder: cache, maxBytes: 40 });
  const first = await small.locate(a);
  const [kept = ""] = await readdir(cache);
  const { ino } = await stat(path.join(cache, kept));
  expect(await small.locate(a)).toEqual(first);
  expect((await stat(path.join(cache, kept))).ino).toBe(ino);
  await small.locate(b);
  const [other] = await readdir(cache);
  expect(await readdir(cache)).toHaveLength(1);
  expect(other).not.toBe(kept);
});

test("8 bits are refused where they are not computed", async () => {
  await expect(openEngine({ precision: JSON.parse('"int4"') })).rejects.toMatchObject({
    code: "INVALID_REQUEST",
    message: expect.stringContaining("precision"),
  });
});
