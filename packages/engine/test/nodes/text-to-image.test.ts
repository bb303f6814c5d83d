/** The shipped model from prompt to pixels, beside PyTorch: ../reference/text-to-image.py made the fixture. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { expect, test } from "vitest";
import { Comfy } from "../../src/comfy/comfy.ts";

const repository = fileURLToPath(new URL("../../../..", import.meta.url));
const reference = new URL("../fixtures/text-to-image.png", import.meta.url);

test("a fixed seed gives PyTorch's picture to within 50 dB", async () => {
  const folder = await mkdtemp(path.join(tmpdir(), "rabbitloom-shapes-"));
  const file = path.join(repository, "examples/workflows/text-to-image.json");
  const prompt: unknown = JSON.parse(await readFile(file, "utf8"));
  {
    await using comfy = new Comfy({
      inline: true,
      input: path.join(folder, "input"),
      output: path.join(folder, "output"),
      models: path.join(repository, "models"),
    });
    const outputs = await comfy.queuePrompt(prompt);
    const ours = await pixelsOf(outputs["7"]?.images?.[0]?.abs_path ?? "");
    const theirs = await pixelsOf(fileURLToPath(reference));
    expect(ours.length).toBe(128 * 128 * 3);
    expect(decibels(ours, theirs)).toBeGreaterThanOrEqual(50);
  }
  await rm(folder, { recursive: true });
});

async function pixelsOf(file: string): Promise<Uint8Array> {
  return await sharp(file).removeAlpha().raw().toBuffer();
}

/** Peak signal-to-noise ratio: 10 log10(255^2 / mean squared error). */
function decibels(one: Uint8Array, other: Uint8Array): number {
  if (one.length !== other.length) throw new Error(`${one.length} values beside ${other.length}`);
  const squares = one.reduce((sum, value, i) => sum + (value - (other[i] ?? 0)) ** 2, 0);
  return 10 * Math.log10((255 * 255 * one.length) / squares);
}
