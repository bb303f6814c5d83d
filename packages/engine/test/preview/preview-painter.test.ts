import { expect, test } from "vitest";
import { latentFormats } from "../../src/models/latent-formats.ts";
import { createPainter } from "../../src/preview/preview-painter.ts";
import { tensor } from "../../src/tensor.ts";

const format = latentFormats.stableDiffusion;
const latents = tensor([2, 4, 2, 2]);

/** Paints 40 steps by a clock that only steps and decodes move; says at which of them the decoder drew. */
async function decodedSteps(decodeMs: number, stepMs: number) {
  let now = 0;
  let spentMs = 0;
  const decoder = () => {
    now += decodeMs;
    spentMs += decodeMs;
    return Promise.resolve(tensor([1, 3, 16, 16]));
  };
  const { shape } = latents;
  const paint = await createPainter({ format, shape, decoder, now: () => now });
  const [startedAt, trialMs] = [now, spentMs];
  const decoded: number[] = [];
  for (let step = 1; step <= 40; step++) {
    now += stepMs;
    if ((await paint(latents)).width === 16) decoded.push(step);
  }
  return { decoded, share: (spentMs - trialMs) / (now - startedAt) };
}

test("without a decoder the first latent is drawn by the linear map, a pixel for each of its own", async () => {
  const paint = await createPainter({ format, shape: latents.shape });
  const { rgb, width, height } = await paint(latents);
  expect([width, height, [...new Set(rgb)]]).toEqual([2, 2, [127]]);
});

test("a decoder that is quick beside the steps draws each of them", async () => {
  const { decoded } = await decodedSteps(1, 100);
  expect(decoded).toHaveLength(40);
});

test("a slow decoder draws as often as 1.5 % of the time allow, and the linear map the rest", async () => {
  const { decoded, share } = await decodedSteps(400, 3000);
  expect(decoded.length).toBeGreaterThanOrEqual(4);
  expect(share).toBeLessThanOrEqual(0.015);
});

test("a decoder too slow for the whole sampling draws nothing", async () => {
  expect((await decodedSteps(5000, 100)).decoded).toEqual([]);
});
