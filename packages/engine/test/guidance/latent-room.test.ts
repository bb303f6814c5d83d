import { describe, expect, test } from "vitest";
import { basicGuider } from "../../src/guidance/guider.ts";
import { randomNoise } from "../../src/guidance/noise.ts";
import { sample } from "../../src/guidance/sample.ts";
import type { Conditioning, DiffusionModel } from "../../src/models/model.ts";
import { samplerNamed } from "../../src/sampler/samplers.ts";
import { emptyLatent, toyModel, toyPrompt } from "../support/toy-model.ts";

/** A network that has room for no latent, and a noise that must not be drawn. */
async function sampled(conditioning: Conditioning): Promise<unknown> {
  const toy = toyModel();
  const asked: unknown[] = [];
  const checkRoom: DiffusionModel["network"]["checkRoom"] = (shape) => {
    asked.push(shape);
    throw new Error("no room");
  };
  const model = { ...toy, network: { ...toy.network, checkRoom } };
  const noise = {
    ...randomNoise(1),
    draw: () => {
      throw new Error("noise");
    },
  };
  const sampling = sample({
    guider: basicGuider(model, conditioning),
    sampler: samplerNamed("euler"),
    sigmas: Float32Array.of(1, 0),
    noise,
    latent: emptyLatent(32, 8),
    signal: new AbortController().signal,
  });
  const message = await sampling.then(String, (error: Error) => error.message);
  return { message, shape: asked[0] };
}

describe("before noise is drawn", () => {
  test("a network is asked whether it has room for the whole latent", async () => {
    expect(await sampled(toyPrompt(1))).toMatchObject({
      message: "no room",
      shape: { batch: 1, height: 8, width: 32 },
    });
  });

  test("but not where every prompt has an area of its own", async () => {
    const area = { unit: "latent", x: 0, y: 0, width: 16, height: 8 } as const;
    expect(await sampled(toyPrompt(1, { area }))).toEqual({ message: "noise", shape: undefined });
  });
});
