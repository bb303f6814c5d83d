/** What the network is asked and what becomes of its answers, on the toy model: pictures around the prompt's number. */
import { describe, expect, test } from "vitest";
import { basicGuider, cfgGuider, type Guider, perpNegGuider } from "../../src/guidance/guider.ts";
import { withGuidance } from "../../src/guidance/model-guidance.ts";
import { noNoise, randomNoise } from "../../src/guidance/noise.ts";
import { rescaleCfg } from "../../src/guidance/rescale-cfg.ts";
import { type SampleOptions, sample } from "../../src/guidance/sample.ts";
import type { Conditioning } from "../../src/models/model.ts";
import { samplerNamed } from "../../src/sampler/samplers.ts";
import { karrasSigmas } from "../../src/schedule/karras.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import { emptyLatent, meanOf, toyModel, toyPrompt } from "../support/toy-model.ts";

async function sampled(guider: Guider, options: Partial<SampleOptions> = {}): Promise<Tensor> {
  const { samples } = await sample({
    guider,
    sampler: samplerNamed("euler"),
    sigmas: karrasSigmas(12, 0.03, 14.6),
    noise: randomNoise(1),
    latent: emptyLatent(),
    signal: new AbortController().signal,
    ...options,
  });
  return samples.samples;
}

/** Mean of the LATENT over a rectangle, halved: the prompt's number. */
function meanIn({ shape, data }: Tensor, from: number, to: number): number {
  const width = shape[3] ?? 1;
  const part = data.filter((_, i) => i % width >= from && i % width < to);
  return part.reduce((sum, value) => sum + value, 0) / part.length / 2;
}

describe("several entries of one side", () => {
  test("are averaged by strength", async () => {
    const both: Conditioning = [...toyPrompt(1, { strength: 3 }), ...toyPrompt(5)];
    expect(meanOf(await sampled(basicGuider(toyModel(), both))) / 2).toBeCloseTo(2, 0);
  });

  test("with areas are asked about their part only, and fill it", async () => {
    const model = toyModel();
    const left = { unit: "latent", x: 0, y: 0, width: 16, height: 8 } as const;
    const prompts = [
      ...toyPrompt(4, { area: left }),
      ...toyPrompt(-4, { area: { ...left, x: 16 } }),
    ];
    const result = await sampled(basicGuider(model, prompts), { latent: emptyLatent(32, 8) });
    expect(model.asked[0]?.x.shape).toEqual([1, 4, 8, 16]);
    expect(meanIn(result, 0, 16)).toBeCloseTo(4, 0);
    expect(meanIn(result, 16, 32)).toBeCloseTo(-4, 0);
  });

  test("with masks are asked about everything, and count where their mask is", async () => {
    const model = toyModel();
    const mask = tensor([1, 8, 32]);
    mask.data.forEach((_, i) => {
      mask.data[i] = i % 32 < 16 ? 1 : 0;
    });
    const inverse = tensor(
      mask.shape,
      mask.data.map((value) => 1 - value),
    );
    const prompts = [...toyPrompt(4, { mask }), ...toyPrompt(-4, { mask: inverse })];
    const result = await sampled(basicGuider(model, prompts), { latent: emptyLatent(32, 8) });
    expect(model.asked[0]?.x.shape).toEqual([1, 4, 8, 32]);
    expect(meanIn(result, 0, 16)).toBeCloseTo(4, 0);
    expect(meanIn(result, 16, 32)).toBeCloseTo(-4, 0);
  });

  test("with ranges are asked in their part of the sampling", async () => {
    const model = toyModel();
    const prompts = [
      ...toyPrompt(4, { startPercent: 0, endPercent: 0.5 }),
      ...toyPrompt(-4, { startPercent: 0.5, endPercent: 1 }),
    ];
    const result = await sampled(basicGuider(model, prompts));
    const asked = model.asked.map(({ context }) => context.data[0]);
    expect(asked.slice(0, 2)).toEqual([4, 4]);
    expect(asked.slice(-2)).toEqual([-4, -4]);
    expect(asked.length).toBe(12);
    expect(meanOf(result) / 2).toBeLessThan(0);
  });

  test("a side without an entry in force predicts zeros", async () => {
    const model = toyModel();
    const result = await sampled(basicGuider(model, []));
    expect(model.asked).toEqual([]);
    expect(meanOf(result)).toBe(0);
  });
});

test("prompts of one entry are repeated over the batch", async () => {
  const model = toyModel();
  await sampled(basicGuider(model, toyPrompt(2)), { latent: emptyLatent(8, 8, 3) });
  expect(model.asked[0]?.context.shape).toEqual([3, 1, 1]);
  expect(model.asked[0]?.timesteps.length).toBe(3);
});

describe("a noise mask", () => {
  const mask = tensor([1, 8, 16]);
  mask.data.forEach((_, i) => {
    mask.data[i] = i % 16 < 8 ? 1 : 0;
  });
  const picture = tensor([1, 4, 8, 16], new Float32Array(512).fill(-2));
  const latent = { samples: picture, noiseMask: mask };

  test.each(["euler", "ddim", "dpmpp_2m", "uni_pc_bh2"] as const)(
    "keeps what is outside of it as it came, with %s",
    async (name) => {
      const sampler = samplerNamed(name);
      const result = await sampled(basicGuider(toyModel(), toyPrompt(3)), { latent, sampler });
      expect(meanIn(result, 0, 8)).toBeCloseTo(3, 0);
      // uni_pc stops at level 0.001 and leaves as much noise.
      result.data.forEach((value, i) => {
        if (i % 16 >= 8) expect(Math.abs(value + 2)).toBeLessThan(0.02);
      });
    },
  );

  test("may be a guider's plan: a grey pixel joins as the sampling goes on", async () => {
    const seen: number[] = [];
    const model = withGuidance(toyModel(), {
      maskAt: (m, { sigma }) => {
        seen.push(sigma);
        return m;
      },
    });
    await sampled(basicGuider(model, toyPrompt(3)), { latent });
    expect(seen).toHaveLength(12);
  });
});

describe("networks with more channels", () => {
  const black = tensor([1, 4, 8, 8], new Float32Array(256).fill(-4));

  test("for inpainting see the mask, rounded, and the picture in model space", async () => {
    const model = toyModel({ inputChannels: 9 });
    const concatMask = tensor([1, 1, 1], Float32Array.of(0.6));
    await sampled(basicGuider(model, toyPrompt(3, { concatLatent: black, concatMask })));
    const { shape, data } = model.asked[0]?.x ?? black;
    expect(shape).toEqual([1, 9, 8, 8]);
    expect(data[4 * 64]).toBe(1);
    expect(data[5 * 64]).toBe(-2);
  });

  test("for inpainting without a picture see the sampling's own mask and latent", async () => {
    const model = toyModel({ inputChannels: 9 });
    const noiseMask = tensor([1, 8, 8]);
    await sampled(basicGuider(model, toyPrompt(3)), { latent: { samples: black, noiseMask } });
    const data = model.asked[0]?.x.data;
    expect(data?.[4 * 64]).toBe(0);
    expect(data?.[5 * 64]).toBe(-2);
  });

  test("for inpainting without any mask see one of ones and an empty picture", async () => {
    const model = toyModel({ inputChannels: 9 });
    await sampled(basicGuider(model, toyPrompt(3)));
    const data = model.asked[0]?.x.data;
    expect(data?.[4 * 64]).toBe(1);
    expect(data?.[5 * 64]).toBeCloseTo(0.8223, 6);
  });

  test("for editing see the picture as the VAE gave it, or zeros", async () => {
    const model = toyModel({ inputChannels: 8 });
    await sampled(basicGuider(model, toyPrompt(3, { concatLatent: black })));
    expect(model.asked[0]?.x.data[4 * 64]).toBe(-4);
    await sampled(basicGuider(model, toyPrompt(3)));
    expect(model.asked.at(-1)?.x.data[4 * 64]).toBe(0);
  });

  test("of an unknown number are refused", async () => {
    const model = toyModel({ inputChannels: 7 });
    await expect(sampled(basicGuider(model, toyPrompt(3)))).rejects.toThrow(
      "toy takes 7 channels; known are 4, 8 (editing) and 9 (inpainting)",
    );
  });
});

describe("changes to guidance that a model carries", () => {
  const prompts = { positive: toyPrompt(2), negative: toyPrompt(-1), cfg: 3 };

  test("a formula takes the place of the usual one, corrections come after it, in turn", async () => {
    const order: string[] = [];
    const changed = withGuidance(
      withGuidance(toyModel(), {
        after: [
          ({ denoised }) => {
            order.push("first");
            return denoised;
          },
        ],
      }),
      {
        formula: ({ negative }) => {
          order.push("formula");
          return negative;
        },
        after: [
          ({ denoised }) => {
            order.push("second");
            return denoised;
          },
        ],
      },
    );
    const result = await sampled(cfgGuider(changed, prompts), { sigmas: Float32Array.of(5, 0) });
    expect(order).toEqual(["formula", "first", "second"]);
    const negativeOnly = await sampled(basicGuider(toyModel(), prompts.negative), {
      sigmas: Float32Array.of(5, 0),
    });
    expect([...result.data]).toEqual([...negativeOnly.data]);
  });

  test("RescaleCFG gives guided velocities the deviation of the positive ones", () => {
    const shape = { batch: 1, channels: 4, height: 2, width: 2 };
    const x = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i));
    const positive = x.map((value, i) => value / 2 + (i % 3));
    const negative = x.map((value, i) => value / 4 - (i % 2));
    const stage = { model: toyModel(), shape, x, positive, negative, sigma: 2 };
    const plain = rescaleCfg({ ...stage, cfg: 4 }, 0);
    plain.forEach((value, i) => {
      const [neg = 0, pos = 0] = [negative[i], positive[i]];
      expect(value).toBeCloseTo(neg + 4 * (pos - neg), 4);
    });
    const deviation = (denoised: Float32Array) => {
      const v = x.map((value, i) => value / 5 - (denoised[i] ?? 0));
      const mean = v.reduce((sum, value) => sum + value, 0) / v.length;
      return Math.sqrt(v.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    };
    const whole = rescaleCfg({ ...stage, cfg: 4 }, 1);
    expect(deviation(whole)).toBeCloseTo(deviation(positive), 4);
    expect(deviation(plain)).toBeGreaterThan(2 * deviation(positive));
  });
});

test("Perp-Neg ignores a negative prompt that points the same way as the positive one", async () => {
  const guider = (negative: number) =>
    perpNegGuider(toyModel(), {
      positive: toyPrompt(2),
      negative: toyPrompt(negative),
      empty: toyPrompt(0),
      cfg: 2,
      scale: 1,
    });
  const sigmas = Float32Array.of(5, 0);
  const [same, opposite] = [
    await sampled(guider(1), { sigmas }),
    await sampled(guider(-7), { sigmas }),
  ];
  same.data.forEach((value, i) => {
    expect(value).toBeCloseTo(opposite.data[i] ?? 0, 4);
  });
});

test("without noise a sampling goes on from the noise in its latent", async () => {
  const guider = basicGuider(toyModel(), toyPrompt(3));
  const sigmas = karrasSigmas(12, 0.03, 14.6);
  const whole = await sampled(guider, { sigmas });
  const half = await sampled(guider, { sigmas: sigmas.slice(0, 6) });
  const rest = await sampled(guider, {
    sigmas: sigmas.slice(5),
    noise: noNoise(),
    latent: { samples: half },
  });
  rest.data.forEach((value, i) => {
    expect(value).toBeCloseTo(whole.data[i] ?? 0, 4);
  });
});
