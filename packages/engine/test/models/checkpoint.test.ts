import { expect, test } from "vitest";
import { loadCheckpoint, loadUnet, loadVae } from "../../src/models/checkpoint.ts";
import { loadTextEncoder } from "../../src/models/load-text-encoder.ts";
import { predict } from "../../src/models/model.ts";
import { openWeights } from "../../src/models/open-weights.ts";
import { detectPrediction } from "../../src/models/prediction.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { elementCount } from "../../src/tensor.ts";
import {
  type CheckpointOptions,
  checkpointBytes,
  drawn,
  type Layout,
  layoutOf,
  openFolder,
  relativeError,
} from "../support/random-checkpoint.ts";

/** A file of this layout, and what opens it. */
async function fileOf(layout: Layout, options: CheckpointOptions = {}) {
  const folder = await openFolder();
  const runtime = createRuntime();
  return {
    runtime,
    file: await folder.write("model.safetensors", checkpointBytes(withFewWords(layout), options)),
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** No text is encoded here, so a vocabulary of eight words does. */
function withFewWords(layout: Layout): Layout {
  const entries = Object.entries(layout).map(([key, shape]) =>
    key.includes("token_embedding") ? [key, [8, ...shape.slice(1)]] : [key, shape],
  );
  return Object.fromEntries(entries);
}

/** The keys of a layout that `keep` wants, renamed by it. */
function select(layout: Layout, rename: (key: string) => string | undefined): Layout {
  const entries = Object.entries(layout).flatMap(([key, shape]) => {
    const name = rename(key);
    return name === undefined ? [] : [[name, shape] as const];
  });
  return Object.fromEntries(entries);
}

const under = (prefix: string) => (key: string) =>
  key.startsWith(prefix) ? key.slice(prefix.length) : undefined;
const without = (part: string) => (key: string) => (key.includes(part) ? undefined : key);

const UNET = "model.diffusion_model.";

test("a checkpoint without text encoder and VAE has a model, and null for the rest", async () => {
  await using made = await fileOf(layoutOf("inpaint"));
  const { model, clip, vae } = await loadCheckpoint(made.runtime, made);
  expect(model.network.inputChannels).toBe(9);
  expect([clip, vae]).toEqual([null, null]);
});

test("parts are loaded from files of their own", async () => {
  await using unet = await fileOf(select(layoutOf("sd1"), under(UNET)));
  await using vae = await fileOf(select(layoutOf("sd1"), under("first_stage_model.")));
  const text = under("cond_stage_model.transformer.");
  await using clip = await fileOf(select(layoutOf("sd1"), text));
  expect((await loadUnet(unet.runtime, unet.file)).network.family).toBe("Stable Diffusion 1.x");
  expect(await loadVae(vae.runtime, vae.file)).toMatchObject({ latentChannels: 4, downscale: 2 });
  const encoder = await loadTextEncoder(clip.runtime, { files: [clip.file] });
  expect(encoder.network.family).toContain("CLIP-L");
});

test.each<[string, Layout, string, string]>([
  ["a LoRA", { "lora_unet_a.lora_down.weight": [4, 8] }, "a LoRA", "loras folder"],
  ["a VAE", { "decoder.conv_in.weight": [8, 4, 3, 3] }, "a VAE", "vae folder"],
  ["Flux", { "double_blocks.0.img_attn.qkv.weight": [8, 8] }, "Flux", "not supported"],
  ["an unknown network", { "hello.weight": [2, 2] }, '"hello.weight"', "nothing that is known"],
  ["nothing", {}, "no tensors", "model.safetensors"],
])("a file that holds %s says so where a checkpoint was wanted", async (_, layout, ...words) => {
  await using made = await fileOf(layout);
  const outcome = loadCheckpoint(made.runtime, made);
  await expect(outcome).rejects.toMatchObject({ code: "MODEL_INVALID" });
  for (const word of words) await expect(outcome).rejects.toThrow(word);
});

test.each([
  ["a bias-free tensor", "middle_block.1.proj_out.weight"],
  ["a norm", "input_blocks.1.1.transformer_blocks.0.norm2.bias"],
  ["the way out", "out.2.weight"],
])("a UNet that lacks %s is refused by the name of the tensor", async (_, key) => {
  await using made = await fileOf(select(layoutOf("sd1"), without(UNET + key)));
  await expect(loadCheckpoint(made.runtime, made)).rejects.toThrow(
    `it lacks the tensor "${UNET}${key}"`,
  );
});

test("a UNet that lacks its last blocks is refused with their counts", async () => {
  await using made = await fileOf(select(layoutOf("sd1"), without("output_blocks.3")));
  await expect(loadCheckpoint(made.runtime, made)).rejects.toThrow(
    "4 input blocks and 3 output blocks",
  );
});

test.each([
  ["VAE", "first_stage_model.decoder.mid.attn_1.k.weight"],
  ["text encoder", "cond_stage_model.transformer.text_model.encoder.layers.1.mlp.fc2.bias"],
])("a %s that is not complete is refused by the name of the tensor", async (_, key) => {
  await using made = await fileOf(select(layoutOf("sd1"), without(key)));
  await expect(loadCheckpoint(made.runtime, made)).rejects.toThrow(`it lacks the tensor "${key}"`);
});

test("any one tensor that is missing is found when the file is loaded", async () => {
  const keys = Object.keys(layoutOf("sd1"));
  for (const [index, key] of keys.entries()) {
    if (index % 19 !== 0) continue;
    await using made = await fileOf(select(layoutOf("sd1"), without(key)));
    await expect(loadCheckpoint(made.runtime, made), key).rejects.toMatchObject({
      code: "MODEL_INVALID",
    });
  }
});

test("widths that no family has are refused with those that are known", async () => {
  await using made = await fileOf(layoutOf("sdxl"));
  await expect(loadCheckpoint(made.runtime, made)).rejects.toThrow(
    /context of width 192 and a vector of width 1632.*Stable Diffusion XL \(2048 and 2816\)/,
  );
});

test("a family that nobody knows is refused", async () => {
  await using made = await fileOf(layoutOf("sd1"), { metadata: { "rabbitloom.family": "sd9" } });
  await expect(loadCheckpoint(made.runtime, made)).rejects.toThrow(/"sd9"; known are sd1, sd2/);
});

test("SDXL's small relatives, whose middle is one residual block, run as what they are made of", async () => {
  const metadata = { "rabbitloom.family": "sdxl" };
  const layout = select(layoutOf("sdxl"), (key) => (key.startsWith(UNET) ? key : undefined));
  const isPartOf = (key: string, part: string) => key.startsWith(`${UNET}middle_block.${part}`);
  // With these at 0, the whole middle passes its first block's map on.
  const silent = Object.entries(layout).filter(
    ([key]) => isPartOf(key, "1.proj_out") || isPartOf(key, "2.out_layers.3"),
  );
  const weights = new Map(
    silent.map(([key, shape]) => [key, new Float32Array(elementCount(shape))]),
  );
  const short = select(layout, (key) =>
    isPartOf(key, "1") || isPartOf(key, "2") ? undefined : key,
  );
  await using whole = await fileOf(layout, { metadata, weights });
  await using small = await fileOf(short, { metadata });
  const [wanted, actual] = await Promise.all(
    [whole, small].map(async ({ runtime, file }) => {
      const { network } = await loadUnet(runtime, file);
      expect(network.family).toBe("Stable Diffusion XL");
      const inputs = {
        x: drawn("x", 1, 4, 6, 4),
        timesteps: Float32Array.of(300),
        context: drawn("context", 1, 77, network.contextWidth),
        y: drawn("y", 1, network.vectorWidth),
      };
      return await network.predict(inputs, { loras: [] });
    }),
  );
  if (wanted === undefined || actual === undefined) throw new Error("there are two networks");
  expect(relativeError(actual, wanted)).toBeLessThan(1e-5);
});

const context = drawn("context", 1, 77, 64);
const timesteps = Float32Array.of(500);

test("inputs of another model are refused with both widths", async () => {
  await using made = await fileOf(layoutOf("sd1"));
  const { model } = await loadCheckpoint(made.runtime, made);
  const x = drawn("x", 1, 4, 4, 4);
  await expect(predict(model, { x: drawn("x", 1, 9, 4, 4), timesteps, context })).rejects.toThrow(
    /wants latents of width 4, got 9/,
  );
  await expect(
    predict(model, { x, timesteps, context: drawn("context", 1, 77, 768) }),
  ).rejects.toThrow(/wants conditioning of width 64, got 768/);
});

test("weights that are no numbers are found in what the network puts out", async () => {
  const key = `${UNET}out.2.bias`;
  const weights = new Map([[key, new Float32Array(4).fill(Number.NaN)]]);
  await using made = await fileOf(layoutOf("sd1"), { weights });
  const { model } = await loadCheckpoint(made.runtime, made);
  await expect(
    predict(model, { x: drawn("x", 1, 4, 4, 4), timesteps, context }),
  ).rejects.toMatchObject({
    code: "MODEL_INVALID",
    message: expect.stringMatching(/the UNet of "model.safetensors" put out NaN/),
  });
});

test("SD 2's bias spread tells velocities from noise", async () => {
  const key = "output_blocks.11.1.transformer_blocks.0.norm1.bias";
  const layout = { ...select(layoutOf("sd2"), under(UNET)), [key]: [64] };
  const kinds = [1, 0.01].map(async (size) => {
    const spread = drawn("spread", 64).data.map((value) => value * size);
    await using made = await fileOf(layout, { weights: new Map([[key, spread]]) });
    const file = await openWeights(made.file);
    return (await detectPrediction(file, file, "sd2")).prediction;
  });
  expect(await Promise.all(kinds)).toEqual(["v", "eps"]);
});

test.each<[string, Layout, object]>([
  ["v_pred", { v_pred: [0] }, { prediction: "v", sampling: { kind: "discrete" } }],
  [
    "edm_vpred",
    { "edm_vpred.sigma_max": [1] },
    { prediction: "v", sampling: { kind: "continuous", timestep: "edm" } },
  ],
  [
    "edm_mean",
    { edm_mean: [1], edm_std: [1] },
    { prediction: "edm", sampling: { kind: "continuous", sigmaData: 0.5, sigmaMax: 80 } },
  ],
])("an SDXL file with the mark %s is predicted by its rules", async (_, marks, rules) => {
  const metadata = { "rabbitloom.family": "sdxl" };
  await using made = await fileOf({ ...layoutOf("sdxl"), ...marks }, { metadata });
  expect((await loadCheckpoint(made.runtime, made)).model).toMatchObject(rules);
});

test("a diffusers VAE is the same VAE under other names", async () => {
  const vae = select(layoutOf("sd1"), under("first_stage_model."));
  const layout = select(vae, diffusersName);
  expect(Object.keys(layout)).toContain("decoder.up_blocks.0.resnets.0.norm1.weight");
  const weights = new Map(
    Object.entries(vae).map(([key, shape]) => [key, drawn(key, ...shape).data]),
  );
  const rename = ([key, data]: readonly [string, Float32Array]) =>
    [diffusersName(key), data] as const;
  await using own = await fileOf(vae, { weights });
  await using renamed = await fileOf(layout, { weights: new Map([...weights].map(rename)) });
  const latents = drawn("latents", 1, 4, 3, 3);
  const decoded = [own, renamed].map(async ({ runtime, file }) =>
    (await loadVae(runtime, file)).decode(latents),
  );
  const [first, second] = await Promise.all(decoded);
  expect(second).toEqual(first);
});

/** The other way round than the reader; of two levels, as the layout has, of which diffusers' VAE would have four. */
function diffusersName(key: string): string {
  return key
    .replace(/mid\.block_1/, "mid_block.resnets.0")
    .replace(/mid\.block_2/, "mid_block.resnets.1")
    .replace(/mid\.attn_1\.norm/, "mid_block.attentions.0.group_norm")
    .replace(/mid\.attn_1\.proj_out/, "mid_block.attentions.0.to_out.0")
    .replace(/mid\.attn_1\.([qkv])/, "mid_block.attentions.0.to_$1")
    .replace(/encoder\.down\.(\d)\.block/, "encoder.down_blocks.$1.resnets")
    .replace(/encoder\.down\.(\d)\.downsample/, "encoder.down_blocks.$1.downsamplers.0")
    .replace(
      /decoder\.up\.(\d)\.block/,
      (_, level: string) => `decoder.up_blocks.${1 - Number(level)}.resnets`,
    )
    .replace(
      /decoder\.up\.(\d)\.upsample/,
      (_, level: string) => `decoder.up_blocks.${1 - Number(level)}.upsamplers.0`,
    )
    .replace("nin_shortcut", "conv_shortcut")
    .replace("norm_out", "conv_norm_out");
}

const ownColors = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
  [0.5, 0.5, 0.5],
  [-0.1, 0, 0.1],
];

test("a file with a VAE of its own may say the colours that previews of its latents have", async () => {
  const metadata = { "rabbitloom.latent_rgb": JSON.stringify(ownColors) };
  await using made = await fileOf(layoutOf("sd1"), { metadata });
  const { latentFormat } = (await loadCheckpoint(made.runtime, made)).model;
  expect(latentFormat).toMatchObject({
    rgbFactors: ownColors.slice(0, 4),
    rgbBias: [-0.1, 0, 0.1],
    scale: [0.18215],
  });
});

test.each(["red", "[[1, 2, 3]]", JSON.stringify([...ownColors.slice(1), [1, 2, "three"]])])(
  "preview colours %s are refused with what was expected",
  async (text) => {
    await using made = await fileOf(layoutOf("sd1"), {
      metadata: { "rabbitloom.latent_rgb": text },
    });
    await expect(loadCheckpoint(made.runtime, made)).rejects.toThrow(
      /model\.safetensors.*rabbitloom\.latent_rgb wants 5 rows of 3 numbers/,
    );
  },
);
