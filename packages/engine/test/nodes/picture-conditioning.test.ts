/** Nodes that tell a network about pictures and places beside the prompt, with encoders that say what they were shown. */
import { expect, test } from "vitest";
import { unclipVector } from "../../src/conditioning/unclip-vector.ts";
import type { Gligen, GligenBox } from "../../src/models/gligen-file.ts";
import type { DiffusionNetwork, TextEncoder, Vae } from "../../src/models/model.ts";
import type { SeenPicture, VisionEncoder } from "../../src/models/vision-encoder.ts";
import { tensor } from "../../src/tensor.ts";
import {
  checkpointBytes,
  layoutOf,
  openFolder,
  readReference,
} from "../support/random-checkpoint.ts";
import { emptyLatent, toyModel, toyPrompt } from "../support/toy-model.ts";
import { openWorkbench, outputAt } from "./evaluate.ts";

const embedding = tensor([1, 3], Float32Array.of(0.5, -1, 2));
const seen: SeenPicture = { embedding, last: embedding, penultimate: embedding };
const image = tensor([1, 16, 16, 3]);

async function call(name: string, inputs: Record<string, unknown>): Promise<unknown[]> {
  await using bench = await openWorkbench();
  const outputs = await bench.call(name, inputs);
  if (!Array.isArray(outputs)) throw new Error(`${name} has no outputs`);
  return outputs;
}

/** What a toy network with changes was asked in two steps, prompted by `positive` and 0. */
async function asked(positive: unknown, changes: Partial<DiffusionNetwork> = {}) {
  const model = toyModel();
  await call("KSampler", {
    model: { ...model, network: { ...model.network, ...changes } },
    positive,
    negative: toyPrompt(0),
    seed: 5,
    steps: 2,
    cfg: 2,
    sampler_name: "euler",
    scheduler: "normal",
    latent_image: emptyLatent(),
    denoise: 1,
  });
  return model.asked;
}

test("unCLIPConditioning makes the network follow the picture, the negative prompt none", async () => {
  const follow = (strength: number) =>
    call("unCLIPConditioning", {
      conditioning: toyPrompt(1),
      clip_vision_output: seen,
      strength,
      noise_augmentation: 0.2,
    });
  const network = { vectorKind: "unclip", vectorWidth: 6 } as const;
  const [positive] = await follow(0.5);
  const [first, second] = await asked(positive, network);
  const picture = { seen, strength: 0.5, noiseAugmentation: 0.2 };
  expect(first?.y).toEqual(unclipVector([picture], { width: 3, seed: 5, mergeAugmentation: 0.05 }));
  expect(second?.y).toEqual(tensor([1, 6]));
  expect(await follow(0)).toEqual([toyPrompt(1)]);
});

test("StyleModelApply puts the picture's tokens behind the prompt, times its strength", async () => {
  const tokens = tensor([1, 2, 1], Float32Array.of(3, 4));
  const apply = (inputs: Record<string, unknown>) =>
    call("StyleModelApply", {
      conditioning: toyPrompt(1),
      style_model: { name: "style.safetensors", tokens: async () => tokens },
      clip_vision_output: seen,
      strength: 0.5,
      strength_type: "multiply",
      ...inputs,
    });
  const context = tensor([1, 3, 1], Float32Array.of(1, 1.5, 2));
  expect(await apply({})).toEqual([[{ context }]]);
  const wide = [{ context: tensor([1, 1, 8]) }];
  await expect(apply({ conditioning: wide })).rejects.toThrow(
    /"style.safetensors" is for prompts of width 1, got one of 8/,
  );
});

test("GLIGENTextBoxApply tells both sides what is where, in latent pixels", async () => {
  const placed: (readonly GligenBox[])[] = [];
  const objects = {
    layers: { name: "", id: "", tensors: new Map(), metadata: new Map(), prefix: "" },
    tokens: tensor([1, 1, 1]),
  };
  const gligen: Gligen = {
    name: "boxes.safetensors",
    textWidth: 3,
    place: async (boxes) => {
      placed.push(boxes);
      return objects;
    },
  };
  const clip: TextEncoder = {
    loras: [],
    network: {
      family: "toy",
      matchLora: () => new Set(),
      encode: async (_, { isUnprojected }) => ({
        context: tensor([1, 1, 1]),
        pooled: isUnprojected === true ? embedding : tensor([1, 4]),
      }),
    },
  };
  const apply = (conditioning_to: unknown, inputs: Record<string, unknown> = {}) =>
    call("GLIGENTextBoxApply", {
      conditioning_to,
      clip,
      gligen_textbox_model: gligen,
      text: "a cat",
      width: 24,
      height: 16,
      x: 8,
      y: 40,
      ...inputs,
    });
  const [once] = await apply(toyPrompt(1));
  const [twice] = await apply(once, { x: 0 });
  const all = await asked(twice);
  expect(all.map((inputs) => inputs.objects)).toEqual(Array(4).fill(objects));
  const box = { embedding, width: 3, height: 2, x: 1, y: 5 };
  expect(placed[0]).toEqual([box, { ...box, x: 0 }]);
  await expect(
    apply(toyPrompt(1), { gligen_textbox_model: { ...gligen, textWidth: 8 } }),
  ).rejects.toThrow(/"boxes.safetensors" reads texts of 8 numbers, this CLIP makes 3/);
});

test("StableZero123_Conditioning says what was seen and where the camera goes", async () => {
  const clip_vision: VisionEncoder = { family: "toy", encode: async () => seen };
  const latent = tensor([1, 4, 2, 3], new Float32Array(24).fill(0.25));
  const vae: Vae = {
    family: "toy",
    latentChannels: 4,
    downscale: 8,
    encode: async (pixels) => {
      expect(pixels.shape).toEqual([1, 16, 24, 3]);
      return latent;
    },
    decode: async () => image,
  };
  const look = (init_image = image, batched = {}) =>
    call(`StableZero123_Conditioning${"azimuth_batch_increment" in batched ? "_Batched" : ""}`, {
      clip_vision,
      init_image,
      vae,
      width: 24,
      height: 16,
      batch_size: 2,
      elevation: 10,
      azimuth: 90,
      ...batched,
    });
  const camera = (azimuth: number) => {
    const turn = (azimuth * Math.PI) / 180;
    return [0.5, -1, 2, (-10 * Math.PI) / 180, Math.sin(turn), Math.cos(turn), Math.PI / 2];
  };
  expect(await look()).toEqual([
    [{ context: tensor([1, 1, 7], Float32Array.from(camera(90))), concatLatent: latent }],
    [{ context: tensor([1, 1, 3]), concatLatent: tensor([1, 4, 2, 3]) }],
    { samples: tensor([2, 4, 2, 3]) },
  ]);
  const [views] = await look(image, { elevation_batch_increment: 0, azimuth_batch_increment: 45 });
  const both = Float32Array.from([...camera(90), ...camera(135)]);
  expect(views).toEqual([{ context: tensor([2, 1, 7], both), concatLatent: latent }]);
  await expect(look(tensor([3, 16, 16, 3]))).rejects.toThrow(/one picture, got a batch of 3/);
});

test("ImageOnlyCheckpointLoader reads a checkpoint's vision tower, or says that it has none", async () => {
  await using folder = await openFolder();
  await using bench = await openWorkbench();
  const vision = Object.entries(readReference("patches.json").layoutOf("vision")).map(
    ([key, shape]) => [`cond_stage_model.model.${key}`, shape] as const,
  );
  const load = async (name: string, layout: Record<string, readonly number[]>) => {
    const metadata = { "rabbitloom.vision_tower": "OpenCLIP H", "rabbitloom.vision_heads": "4" };
    const file = await folder.write(name, checkpointBytes(layout, { metadata }));
    const outputs = await bench.call(
      "ImageOnlyCheckpointLoader",
      { ckpt_name: name },
      { models: { list: () => [], path: () => file } },
    );
    return outputAt(outputs, 1);
  };
  const layout = layoutOf("sd1");
  expect(
    await load("seeing.safetensors", { ...layout, ...Object.fromEntries(vision) }),
  ).toMatchObject({ family: "OpenCLIP H" });
  const blind = await load("blind.safetensors", layout);
  await expect(
    bench.call("CLIPVisionEncode", { clip_vision: blind, image, crop: "none" }),
  ).rejects.toThrow(/"blind.safetensors": it holds no vision tower/);
});
