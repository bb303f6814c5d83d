import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { filled } from "../../src/image/pointwise.ts";
import { writeSafetensors } from "../../src/image/safetensors-file.ts";
import type { Latent } from "../../src/tensor.ts";
import { callForLatent, counted, isLatent, rounded } from "../support/latents.ts";
import { openWorkbench, outputAt, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench[Symbol.asyncDispose]());

const run = (name: string, inputs: Record<string, unknown>, slot = 0) =>
  callForLatent(bench, name, inputs, slot);

describe("batches keep track of noise and masks", () => {
  const three: Latent = { samples: counted(3, 1, 1, 1), noiseMask: counted(3, 1, 1) };

  test("LatentFromBatch remembers the places it took", async () => {
    const part = await run("LatentFromBatch", { samples: three, batch_index: 1, length: 9 });
    expect(part.batchIndex).toEqual([1, 2]);
    expect([...part.samples.data]).toEqual([1, 2]);
    expect(part.noiseMask?.data).toEqual(Float32Array.from([1, 2]));
    const again = await run("LatentFromBatch", { samples: part, batch_index: 1, length: 1 });
    expect(again.batchIndex).toEqual([2]);
  });

  test("a single mask serves the whole batch", async () => {
    const samples = { ...three, noiseMask: filled([1, 1, 1], 0.5) };
    const part = await run("LatentFromBatch", { samples, batch_index: 2, length: 1 });
    expect(part.noiseMask).toEqual(filled([1, 1, 1], 0.5));
  });

  test("RepeatLatentBatch gives each copy noise of its own", async () => {
    const samples = { ...three, batchIndex: [4, 5, 7] };
    const repeated = await run("RepeatLatentBatch", { samples, amount: 2 });
    expect([...repeated.samples.data]).toEqual([0, 1, 2, 0, 1, 2]);
    expect(repeated.noiseMask?.shape).toEqual([6, 1, 1]);
    expect(repeated.batchIndex).toEqual([4, 5, 7, 8, 9, 11]);
    expect(
      (await run("RepeatLatentBatch", { samples: three, amount: 2 })).batchIndex,
    ).toBeUndefined();
  });

  test("LatentBatch puts both batches' places together", async () => {
    const samples2 = { samples: filled([1, 1, 2, 2], 9), batchIndex: [6] };
    const joined = await run("LatentBatch", { samples1: three, samples2 });
    expect([...joined.samples.data]).toEqual([0, 1, 2, 9]);
    expect(joined.batchIndex).toEqual([0, 1, 2, 6]);
  });

  test("LatentBatchSeedBehavior gives all entries the first one's noise, or each its own", async () => {
    const samples = { ...three, batchIndex: [5, 6, 7] };
    const fixed = await run("LatentBatchSeedBehavior", { samples, seed_behavior: "fixed" });
    expect(fixed.batchIndex).toEqual([5, 5, 5]);
    const random = await run("LatentBatchSeedBehavior", { samples, seed_behavior: "random" });
    expect("batchIndex" in random).toBe(false);
  });

  test("SetLatentNoiseMask keeps the mask at its own size", async () => {
    const set = await run("SetLatentNoiseMask", { samples: three, mask: filled([5, 7], 1) });
    expect(set.noiseMask?.shape).toEqual([1, 5, 7]);
  });

  test("RebatchLatents cuts batches of one size and drops masks that mask nothing", async () => {
    const big = { samples: filled([1, 1, 2, 2], 7) };
    const masked = { samples: filled([1, 1, 1, 1], 5), noiseMask: filled([1, 8, 8], 0.5) };
    const lists = { latents: [three, masked, big], batch_size: [2] };
    const batches = outputAt(await bench.callWithLists("RebatchLatents", lists), 0);
    if (!Array.isArray(batches)) throw new Error("a list");
    const latents = batches.filter(isLatent);
    expect(latents.map(({ samples }) => [...samples.data])).toEqual([
      [0, 1],
      [2, 5],
      [7, 7, 7, 7],
    ]);
    expect(latents.map(({ batchIndex }) => batchIndex)).toEqual([[0, 1], [2, 3], [4]]);
    expect(latents.map(({ noiseMask }) => noiseMask?.shape)).toEqual([
      [2, 8, 8],
      [2, 8, 8],
      undefined,
    ]);
  });
});

describe("latent files", () => {
  test("what SaveLatent writes LoadLatent reads", async () => {
    const samples = { samples: counted(1, 4, 2, 3) };
    const prompt = { "1": { class_type: "A", inputs: {} } };
    const saved = await bench.call("SaveLatent", {
      samples,
      filename_prefix: "latents/ComfyUI",
      prompt,
    });
    expect(saved).toEqual({
      ui: {
        latents: [{ filename: "ComfyUI_00001_.latent", subfolder: "latents", type: "output" }],
      },
    });
    const loaded = await run("LoadLatent", { latent: "latents/ComfyUI_00001_.latent [output]" });
    expect(loaded).toEqual(samples);
    expect(await readdir(path.join(bench.root, "output", "latents"))).toHaveLength(1);
  });

  test("files of before the format's mark hold scaled values", async () => {
    const file = writeSafetensors({ latent_tensor: filled([1, 4, 1, 1], 0.18215) }, {});
    await writeFile(path.join(bench.root, "input", "old.latent"), file);
    expect(rounded((await run("LoadLatent", { latent: "old.latent" })).samples)).toEqual([
      1, 1, 1, 1,
    ]);
  });

  test("a file that is none is told so", async () => {
    await writeFile(path.join(bench.root, "input", "bad.latent"), "hello world, this is text");
    await expect(run("LoadLatent", { latent: "bad.latent" })).rejects.toThrow(
      "bad.latent is not a safetensors file",
    );
    const other = writeSafetensors({ weights: filled([1], 1) }, {});
    await writeFile(path.join(bench.root, "input", "other.latent"), other);
    await expect(run("LoadLatent", { latent: "other.latent" })).rejects.toThrow(
      "other.latent has no tensor latent_tensor; it has weights",
    );
  });
});
