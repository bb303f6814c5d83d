/** What ControlNet nodes put into a conditioning and what a sampling makes of it, with a net that says who asked it. */
import { describe, expect, test } from "vitest";
import { shareWithSides } from "../../src/conditioning/resolve-control.ts";
import { mirrorAreas, resolveEntries } from "../../src/conditioning/resolve-entries.ts";
import type { ControlNet, ControlPicture } from "../../src/models/control-net.ts";
import type { Conditioning } from "../../src/models/model.ts";
import { tensor } from "../../src/tensor.ts";
import { emptyLatent, type ToyModel, toyModel, toyPrompt } from "../support/toy-model.ts";
import { openWorkbench, outputAt } from "./evaluate.ts";

interface ToyNet extends ControlNet {
  readonly seen: ControlPicture[];
  readonly runs: { readonly strength: number; readonly context: number | undefined }[];
}

/** Adds its own number, times its strength, to the middle. */
function toyNet(amount = 1, kinds: number | null = null): ToyNet {
  const [seen, runs]: [ToyNet["seen"], ToyNet["runs"]] = [[], []];
  const net: ToyNet = {
    name: "toy.safetensors",
    kinds,
    seen,
    runs,
    ofKind: () => net,
    attach(_, picture) {
      seen.push(picture);
      return {
        run({ context }, strength) {
          runs.push({ strength, context: context.data[0] });
          const middle = tensor([1, 1, 1, 1], Float32Array.of(amount * strength));
          return Promise.resolve({ skips: new Map(), behind: new Map(), middle });
        },
      };
    },
  };
  return net;
}

const image = tensor([1, 16, 16, 3]);

function isConditioning(value: unknown): value is Conditioning {
  return Array.isArray(value);
}

async function apply(name: string, inputs: Record<string, unknown>): Promise<Conditioning[]> {
  await using bench = await openWorkbench();
  const outputs = await bench.call(name, { image, strength: 1, ...inputs });
  if (!Array.isArray(outputs) || !outputs.every(isConditioning)) throw new Error("no conditioning");
  return outputs;
}

async function applyBoth(
  sides: { positive: Conditioning; negative: Conditioning },
  inputs: Record<string, unknown>,
) {
  const range = { start_percent: 0, end_percent: 1 };
  const [positive, negative] = await apply("ControlNetApplyAdvanced", {
    ...sides,
    ...range,
    ...inputs,
  });
  if (positive === undefined || negative === undefined) throw new Error("there are two sides");
  return { positive, negative };
}

async function sampled(
  sides: { positive: Conditioning; negative: Conditioning },
  inputs: Record<string, unknown> = {},
): Promise<ToyModel> {
  await using bench = await openWorkbench();
  const model = toyModel();
  await bench.call("KSampler", {
    model,
    ...sides,
    seed: 1,
    steps: 4,
    cfg: 2,
    sampler_name: "euler",
    scheduler: "normal",
    latent_image: emptyLatent(),
    denoise: 1,
    ...inputs,
  });
  return model;
}

const middles = ({ asked }: ToyModel) => asked.map(({ control }) => control?.middle?.data[0]);

describe("ControlNetApplyAdvanced", () => {
  test("adds to both sides in each step, told each side's prompt", async () => {
    const net = toyNet();
    const sides = { positive: toyPrompt(1), negative: toyPrompt(-1) };
    const model = await sampled(await applyBoth(sides, { control_net: net, strength: 0.5 }));
    expect(middles(model)).toEqual(Array(8).fill(0.5));
    expect(net.runs.slice(0, 2)).toEqual([
      { strength: 0.5, context: 1 },
      { strength: 0.5, context: -1 },
    ]);
    expect(net.seen[0]).toEqual({ image, batch: 1, height: 8, width: 8 });
  });

  test("with a strength of 0 leaves the prompts as they are", async () => {
    const sides = { positive: toyPrompt(1), negative: toyPrompt(-1) };
    const applied = await applyBoth(sides, { control_net: toyNet(), strength: 0 });
    expect(applied.positive).toBe(sides.positive);
    expect(applied.negative).toBe(sides.negative);
  });

  test("adds in its part of the sampling only", async () => {
    const sides = { positive: toyPrompt(1), negative: toyPrompt(-1) };
    const range = { start_percent: 0.3, end_percent: 0.7 };
    const applied = await applyBoth(sides, { control_net: toyNet(), ...range });
    const added = middles(await sampled(applied, { steps: 10, cfg: 1 }));
    expect(added).toHaveLength(10);
    expect(added[0]).toBeUndefined();
    expect(added[5]).toBe(1);
    expect(added[9]).toBeUndefined();
  });

  test("adds up with those before, each in its own part", async () => {
    const sides = { positive: toyPrompt(1), negative: toyPrompt(-1) };
    const first = await applyBoth(sides, { control_net: toyNet(1), end_percent: 0.5 });
    const both = await applyBoth(first, { control_net: toyNet(10), strength: 2 });
    const added = middles(await sampled(both, { steps: 10, cfg: 1 }));
    expect([added[0], added[9]]).toEqual([21, 20]);
  });
});

describe("the old ControlNetApply", () => {
  test("adds to the negative prompt as well", async () => {
    const [positive = []] = await apply("ControlNetApply", {
      conditioning: toyPrompt(1),
      control_net: toyNet(),
    });
    const model = await sampled({ positive, negative: toyPrompt(-1) });
    expect(middles(model)).toEqual(Array(8).fill(1));
  });

  test("leaves a negative prompt alone that has a net of its own", async () => {
    const conditioning = toyPrompt(1);
    const [positive = []] = await apply("ControlNetApply", {
      conditioning,
      control_net: toyNet(1),
    });
    const { negative } = await applyBoth(
      { positive: [], negative: toyPrompt(-1) },
      { control_net: toyNet(5) },
    );
    expect(middles(await sampled({ positive, negative })).slice(0, 2)).toEqual([1, 5]);
  });
});

describe("areas", () => {
  const area = { unit: "latent", x: 0, y: 0, width: 8, height: 8 } as const;
  const options = {
    shape: { batch: 1, channels: 4, height: 16, width: 16 },
    sigmaAtPercent: () => 1,
  };

  test("of a prompt with a net are mirrored with the net, in the other side's words", async () => {
    const control_net = toyNet();
    const [conditioning = []] = await apply("ControlNetApply", {
      conditioning: toyPrompt(1, { area }),
      control_net,
    });
    const sides = mirrorAreas([
      resolveEntries(conditioning, { ...options, isNegative: false }),
      resolveEntries(toyPrompt(-1), { ...options, isNegative: true }),
    ]);
    const [whole, mirrored] = shareWithSides("control", sides, () => true)[1] ?? [];
    expect(mirrored?.control?.net).toBe(control_net);
    expect(mirrored?.entry.context.data[0]).toBe(-1);
    expect(whole?.control).toBeUndefined();
  });

  test("show the net the size of the area", async () => {
    const net = toyNet();
    const wide = { ...area, width: 16 };
    const positive = toyPrompt(1, { area: wide });
    const applied = await applyBoth({ positive, negative: toyPrompt(-1) }, { control_net: net });
    await sampled(applied, { latent_image: emptyLatent(32, 8) });
    expect(net.seen.map(({ width }) => width)).toContain(16);
  });
});

test("SetUnionControlNetType refuses a kind that the net does not know", async () => {
  await using bench = await openWorkbench();
  const set = (type: string, kinds: number | null) =>
    bench.call("SetUnionControlNetType", { control_net: toyNet(1, kinds), type });
  await expect(set("tile", 6)).rejects.toThrow(/"toy.safetensors" knows 6 kinds.*; not tile/);
  expect(outputAt(await set("tile", null), 0)).toMatchObject({ name: "toy.safetensors" });
});
