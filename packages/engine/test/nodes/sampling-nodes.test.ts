/**
 * KSampler and its relatives on a model whose pictures are known: Gaussian around the prompt's number. The
 * latent format halves, so a picture around m is a LATENT around 2 m.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SAMPLER_NAMES } from "../../src/sampler/samplers.ts";
import { SCHEDULER_NAMES } from "../../src/schedule/schedulers.ts";
import { type Latent, tensor } from "../../src/tensor.ts";
import { callForLatent } from "../support/latents.ts";
import { emptyLatent, meanOf, toyModel, toyPrompt } from "../support/toy-model.ts";
import { openWorkbench, outputAt, type Workbench } from "./evaluate.ts";

let bench: Workbench;
beforeAll(async () => {
  bench = await openWorkbench();
});
afterAll(() => bench[Symbol.asyncDispose]());

function ksamplerInputs(overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    model: toyModel(),
    seed: 42,
    steps: 12,
    cfg: 1,
    sampler_name: "euler",
    scheduler: "karras",
    positive: toyPrompt(3),
    negative: toyPrompt(-1),
    latent_image: emptyLatent(),
    denoise: 1,
    ...overrides,
  };
}

const sampled = (overrides: Record<string, unknown> = {}) =>
  callForLatent(bench, "KSampler", ksamplerInputs(overrides));

describe("KSampler", () => {
  test.each(SAMPLER_NAMES)("%s arrives at the prompt's pictures", async (sampler_name) => {
    // CFG++ goes past them by as much as the negative prompt differs.
    const negative = toyPrompt(sampler_name.endsWith("cfg_pp") ? 3 : -1);
    const inputs = { sampler_name, negative, steps: 24 };
    const { samples } = await sampled(inputs);
    expect(Math.abs(meanOf(samples) - 6)).toBeLessThan(0.35);
    const again = await sampled(inputs);
    expect(again.samples.data).toEqual(samples.data);
  });

  test.each(SCHEDULER_NAMES)("%s leads there from noise", async (scheduler) => {
    const { samples } = await sampled({ scheduler, sampler_name: "dpmpp_2m", steps: 20 });
    expect(Math.abs(meanOf(samples) - 6)).toBeLessThan(0.35);
  });

  test("another seed makes another picture, and seeds beyond 2^53 come as bigints", async () => {
    const first = await sampled();
    const second = await sampled({ seed: 2n ** 64n - 1n });
    expect(second.samples.data).not.toEqual(first.samples.data);
    const sameLowBits = await sampled({ seed: 2 ** 32 - 1 });
    expect(second.samples.data).toEqual(sameLowBits.samples.data);
  });

  test("cfg goes from the negative prompt past the positive one", async () => {
    // D = neg + 2 (pos - neg) is a Gaussian around 7.
    const { samples } = await sampled({ cfg: 2, steps: 30 });
    expect(Math.abs(meanOf(samples) - 14)).toBeLessThan(0.5);
  });

  test("cfg 1 spares the negative prompt's calls, except for samplers that need them", async () => {
    const spared = toyModel();
    await sampled({ model: spared, steps: 4 });
    expect(spared.asked.length).toBe(4);
    const needed = toyModel();
    await sampled({ model: needed, steps: 4, sampler_name: "euler_cfg_pp" });
    expect(needed.asked.length).toBe(8);
  });

  test("a velocity model says the same as a noise model", async () => {
    // Every level of this schedule is that of a whole timestep, which is all the network is told.
    const scheduler = "simple";
    const eps = await sampled({ steps: 6, scheduler });
    const v = await sampled({ steps: 6, scheduler, model: toyModel({ prediction: "v" }) });
    v.samples.data.forEach((value, i) => {
      expect(Math.abs(value - (eps.samples.data[i] ?? 0))).toBeLessThan(1e-4);
    });
  });

  test("denoise keeps more of the picture the lower it is, and 0 keeps all", async () => {
    const picture = { samples: tensor([1, 4, 8, 8], new Float32Array(256).fill(-4)) };
    const whole = await sampled({ latent_image: picture });
    const half = await sampled({ latent_image: picture, denoise: 0.3 });
    expect(meanOf(whole.samples)).toBeGreaterThan(5);
    expect(meanOf(half.samples)).toBeLessThan(meanOf(whole.samples) - 2);
    const none = await sampled({ latent_image: picture, denoise: 0 });
    expect(none.samples).toBe(picture.samples);
  });

  test("denoise 0.5 takes as many steps as asked for", async () => {
    const model = toyModel();
    await sampled({ model, steps: 5, denoise: 0.5 });
    expect(model.asked.length).toBe(5);
  });

  test("each picture of a batch has noise of its own, drawn at once or by batch index", async () => {
    const batch = await sampled({ latent_image: emptyLatent(8, 8, 3) });
    expect(batch.samples.data.slice(0, 256)).not.toEqual(batch.samples.data.slice(256, 512));
    const last = await sampled({ latent_image: { ...emptyLatent(), batchIndex: [2] } });
    last.samples.data.forEach((value, i) => {
      expect(value).toBeCloseTo(batch.samples.data[512 + i] ?? 0, 5);
    });
  });

  test("steps are reported as they are done, of as many as there are", async () => {
    const reports: [number, number][] = [];
    const progress = (value: number, max: number) => void reports.push([value, max]);
    await bench.call("KSampler", ksamplerInputs({ steps: 3, model: toyModel() }), { progress });
    const steps = reports.filter(([value], i) => value !== reports[i - 1]?.[0]);
    expect(steps).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
  });

  test("previews are as large as the picture, sent with the progress", async () => {
    const previews: unknown[] = [];
    const model = toyModel();
    const slow = {
      ...model,
      network: {
        ...model.network,
        predict: async (...args: Parameters<typeof model.network.predict>) => {
          await new Promise((resolve) => setTimeout(resolve, 300));
          return await model.network.predict(...args);
        },
      },
    };
    const inputs = ksamplerInputs({ model: slow, steps: 6, latent_image: emptyLatent(16, 8) });
    await bench.call("KSampler", inputs, {
      progress: (_value, _max, preview) => void (preview && previews.push(preview)),
    });
    expect(previews.length).toBeGreaterThanOrEqual(1);
    expect(previews.length).toBeLessThan(6);
    expect(previews[0]).toMatchObject({ contentType: "image/jpeg", width: 128, height: 64 });
  });

  test("a cancelled job stops before its next network call", async () => {
    const abort = new AbortController();
    const model = toyModel();
    const progress = (value: number) => {
      if (value === 2) abort.abort(new Error("cancelled"));
    };
    const run = bench.call("KSampler", ksamplerInputs({ model, steps: 20 }), {
      signal: abort.signal,
      progress,
    });
    await expect(run).rejects.toThrow("cancelled");
    expect(model.asked.length).toBe(2);
  });

  test("an empty latent of another family's channels is replaced, a filled one refused", async () => {
    const { samples } = await sampled({ latent_image: { samples: tensor([1, 16, 8, 8]) } });
    expect(samples.shape).toEqual([1, 4, 8, 8]);
    const filled = tensor([1, 16, 8, 8], new Float32Array(1024).fill(1));
    await expect(sampled({ latent_image: { samples: filled } })).rejects.toThrow(
      "toy works on latents of 4 channels, got one of 16",
    );
  });

  test("a prompt of another family's CLIP is refused by its width", async () => {
    const positive = [{ context: tensor([1, 77, 768]) }];
    await expect(sampled({ positive })).rejects.toThrow(
      "toy reads prompts of width 1, got one of 768",
    );
  });
});

describe("KSamplerAdvanced", () => {
  const advanced = (overrides: Record<string, unknown>) => {
    const { seed, denoise: _, ...rest } = ksamplerInputs();
    return callForLatent(bench, "KSamplerAdvanced", {
      ...rest,
      noise_seed: seed,
      add_noise: "enable",
      start_at_step: 0,
      end_at_step: 10_000,
      return_with_leftover_noise: "disable",
      ...overrides,
    });
  };

  test("two stages that share their noise end where one sampling does", async () => {
    const whole = await sampled();
    const first = await advanced({ end_at_step: 5, return_with_leftover_noise: "enable" });
    const second = await advanced({
      latent_image: first,
      add_noise: "disable",
      start_at_step: 5,
    });
    second.samples.data.forEach((value, i) => {
      expect(value).toBeCloseTo(whole.samples.data[i] ?? 0, 4);
    });
  });

  test("without leftover noise the first stage ends clean", async () => {
    const noisy = await advanced({ end_at_step: 5, return_with_leftover_noise: "enable" });
    const clean = await advanced({ end_at_step: 5 });
    expect(spread(noisy)).toBeGreaterThan(2 * spread(clean));
  });

  test("a start beyond the end returns the latent as it came", async () => {
    const latent = emptyLatent();
    const { samples } = await advanced({ start_at_step: 12, latent_image: latent });
    expect(samples).toBe(latent.samples);
  });
});

function spread({ samples }: Latent): number {
  const mean = meanOf(samples);
  return Math.sqrt(samples.data.reduce((sum, v) => sum + (v - mean) ** 2, 0) / samples.data.length);
}

describe("SamplerCustom and SamplerCustomAdvanced", () => {
  const call = async (name: string, inputs: Record<string, unknown>, slot = 0) =>
    outputAt(await bench.call(name, inputs), slot);

  test("made of the same parts they do what KSampler does", async () => {
    const model = toyModel();
    const whole = await sampled({ model, cfg: 3 });
    const sampler = await call("KSamplerSelect", { sampler_name: "euler" });
    const sigmas = await call("BasicScheduler", {
      model,
      scheduler: "karras",
      steps: 12,
      denoise: 1,
    });
    const prompts = { positive: toyPrompt(3), negative: toyPrompt(-1) };
    const common = { sampler, sigmas, latent_image: emptyLatent() };
    const custom = await callForLatent(bench, "SamplerCustom", {
      ...common,
      ...prompts,
      model,
      add_noise: true,
      noise_seed: 42,
      cfg: 3,
    });
    const advanced = await callForLatent(bench, "SamplerCustomAdvanced", {
      ...common,
      noise: await call("RandomNoise", { noise_seed: 42 }),
      guider: await call("CFGGuider", { model, ...prompts, cfg: 3 }),
    });
    expect(custom.samples.data).toEqual(whole.samples.data);
    expect(advanced.samples.data).toEqual(whole.samples.data);
  });

  test("the second output is the last step's prediction", async () => {
    const model = toyModel();
    const sigmas = Float32Array.of(14, 5, 1);
    const inputs = {
      noise: await call("RandomNoise", { noise_seed: 1 }),
      guider: await call("BasicGuider", { model, conditioning: toyPrompt(3) }),
      sampler: await call("KSamplerSelect", { sampler_name: "euler" }),
      sigmas,
      latent_image: emptyLatent(),
    };
    const noisy = await callForLatent(bench, "SamplerCustomAdvanced", inputs, 0);
    const clean = await callForLatent(bench, "SamplerCustomAdvanced", inputs, 1);
    expect(spread(noisy)).toBeGreaterThan(spread(clean));
    expect(meanOf(clean.samples)).toBeCloseTo(6, 0);
  });

  test("no levels leave the latent as it is", async () => {
    const latent_image = emptyLatent();
    const result = await callForLatent(bench, "SamplerCustomAdvanced", {
      noise: await call("DisableNoise", {}),
      guider: await call("BasicGuider", { model: toyModel(), conditioning: toyPrompt(3) }),
      sampler: await call("KSamplerSelect", { sampler_name: "euler" }),
      sigmas: new Float32Array(0),
      latent_image,
    });
    expect(result.samples).toBe(latent_image.samples);
  });

  test.each([
    // neg + 2 (c2 - neg) + 3 (c1 - c2) = 0 + 2 + 6
    ["regular", 8],
    // neg + 2 ((c2 + 3 (c1 - c2)) - neg) = 2 * 7
    ["nested", 14],
  ])("two prompts are guided in the %s style", async (style, mean) => {
    const model = toyModel();
    const result = await callForLatent(bench, "SamplerCustomAdvanced", {
      noise: await call("RandomNoise", { noise_seed: 1 }),
      guider: await call("DualCFGGuider", {
        model,
        cond1: toyPrompt(3),
        cond2: toyPrompt(1),
        negative: toyPrompt(0),
        cfg_conds: 3,
        cfg_cond2_negative: 2,
        style,
      }),
      sampler: await call("KSamplerSelect", { sampler_name: "heun" }),
      sigmas: await call("BasicScheduler", { model, scheduler: "karras", steps: 20, denoise: 1 }),
      latent_image: emptyLatent(),
    });
    expect(Math.abs(meanOf(result.samples) - 2 * mean)).toBeLessThan(1);
  });
});
