/**
 * Small random checkpoints of every family against PyTorch: the largest difference is at most 1e-5 of the largest
 * value in F32, 2e-2 from files in F16 and BF16 (the expected numbers are those of unrounded weights).
 * ../fixtures/models/make.py made the numbers.
 */
import { expect, test } from "vitest";
import { loadCheckpoint, loadVae } from "../../src/models/checkpoint.ts";
import { channelsLast } from "../../src/models/layout.ts";
import { encodeText, predict } from "../../src/models/model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";
import {
  type CheckpointOptions,
  checkpointBytes,
  drawn,
  expected,
  layoutOf,
  openFolder,
  relativeError,
} from "../support/random-checkpoint.ts";

const F32_TOLERANCE = 1e-5;
const HALF_TOLERANCE = 2e-2;

async function load(family: string, options: CheckpointOptions = {}) {
  const folder = await openFolder();
  const runtime = createRuntime();
  const metadata = {
    ...options.metadata,
    ...(family.startsWith("sdxl") ? { "rabbitloom.family": family } : {}),
  };
  const bytes = checkpointBytes(layoutOf(family), { ...options, metadata });
  const file = await folder.write("random.safetensors", bytes);
  return {
    ...(await loadCheckpoint(runtime, { file })),
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function predicted({ model }: Pick<Awaited<ReturnType<typeof load>>, "model">) {
  const { inputChannels, contextWidth, vectorWidth } = model.network;
  const batch = vectorWidth > 0 ? 1 : 2;
  return await predict(model, {
    x: drawn("x", batch, inputChannels, 6, 10),
    timesteps: Float32Array.from([999, 250].slice(0, batch)),
    context: drawn("context", batch, 77, contextWidth),
    ...(vectorWidth > 0 ? { y: drawn("y", batch, vectorWidth) } : {}),
  });
}

test.each([
  ["sd1", "Stable Diffusion 1.x"],
  ["sd2", "Stable Diffusion 2.x"],
  ["sdxl", "Stable Diffusion XL"],
  ["sdxl-refiner", "Stable Diffusion XL refiner"],
  ["inpaint", "Stable Diffusion 1.x"],
])("the UNet of %s predicts what PyTorch does", async (family, label) => {
  await using loaded = await load(family);
  expect(loaded.model.network.family).toBe(label);
  expect(relativeError(await predicted(loaded), expected(family, "unet"))).toBeLessThan(
    F32_TOLERANCE,
  );
});

test.each(["F16", "BF16"] as const)("a file in %s predicts nearly the same", async (type) => {
  await using loaded = await load("sd1", { type });
  expect(relativeError(await predicted(loaded), expected("sd1", "unet"))).toBeLessThan(
    HALF_TOLERANCE,
  );
});

test("the VAE decodes and encodes as PyTorch does", async () => {
  await using loaded = await load("sd1");
  const decoded = await loaded.vae?.decode(drawn("latents", 1, 4, 6, 5));
  const asPicture = channelsLastPicture(expected("sd1", "decoder"));
  expect(decoded && relativeError(decoded, asPicture)).toBeLessThan(F32_TOLERANCE);
  const pixels = picturesOf(drawn("pixels", 1, 3, 12, 10));
  const encoded = await loaded.vae?.encode(pixels);
  expect(encoded && relativeError(encoded, expected("sd1", "encoder"))).toBeLessThan(F32_TOLERANCE);
});

test("a TAESD file decodes and encodes as PyTorch does", async () => {
  await using folder = await openFolder();
  await using runtime = createRuntime();
  const scale = { vae_scale: [1], vae_shift: [1] };
  const weights = new Map([
    ["vae_scale", Float32Array.of(0.5)],
    ["vae_shift", Float32Array.of(0.25)],
  ]);
  const layout = { ...layoutOf("taesd"), ...scale };
  const file = await folder.write("taesd.safetensors", checkpointBytes(layout, { weights }));
  const vae = await loadVae(runtime, file);
  expect(vae).toMatchObject({ family: "TAESD", downscale: 4, latentChannels: 4 });

  const latents = drawn("latents", 1, 4, 3, 5);
  const unscaled = tensor(
    latents.shape,
    latents.data.map((z) => z / 0.5 + 0.25),
  );
  const decoded = channelsLast(expected("taesd", "decoder"), clamp);
  expect(relativeError(await vae.decode(unscaled), decoded)).toBeLessThan(F32_TOLERANCE);

  const encoded = expected("taesd", "encoder");
  const wanted = tensor(
    encoded.shape,
    encoded.data.map((z) => z / 0.5 + 0.25),
  );
  const pixels = channelsLast(drawn("pixels", 1, 3, 12, 8), (value) => value);
  expect(relativeError(await vae.encode(pixels), wanted)).toBeLessThan(F32_TOLERANCE);
});

const clamp = (value: number) => Math.min(Math.max(value, 0), 1);

test.each(["sd1", "sd2", "sdxl", "sdxl-refiner"])(
  "the text encoder of %s gives PyTorch's context and pooled text",
  async (family) => {
    await using loaded = await load(family);
    if (loaded.clip === null) throw new Error("there is no text encoder");
    const { context, pooled } = await encodeText(loaded.clip, "a photo of a cat");
    const rows = tokensOf(context, [0, 1, 5, 6, 76]);
    expect(relativeError(rows, expected(family, "context"))).toBeLessThan(F32_TOLERANCE);
    expect(relativeError(pooled, expected(family, "pooled"))).toBeLessThan(F32_TOLERANCE);
  },
);

/** [1,L,D] at some tokens. */
function tokensOf({ shape, data }: Tensor, rows: readonly number[]): Tensor {
  const [, , width = 0] = shape;
  const picked = tensor([1, rows.length, width]);
  rows.forEach((row, i) => {
    picked.data.set(data.subarray(row * width, (row + 1) * width), i * width);
  });
  return picked;
}

/** [1,3,H,W] about -1..1 as IMAGE [1,H,W,3], 0..1. */
function channelsLastPicture(planes: Tensor): Tensor {
  const moved = picturesOf(planes);
  return tensor(
    moved.shape,
    moved.data.map((value) => Math.min(Math.max(value, 0), 1)),
  );
}

function picturesOf({ shape, data }: Tensor): Tensor {
  const [, , height = 0, width = 0] = shape;
  const plane = height * width;
  const picture = tensor([1, height, width, 3]);
  picture.data.set(
    picture.data.map((_, i) => ((data[(i % 3) * plane + Math.floor(i / 3)] ?? 0) + 1) / 2),
  );
  return picture;
}
