/** A LoRA in the graph is the same as its product added to the weights, within 1e-5 of the largest value. */
import { expect, test } from "vitest";
import { loadCheckpoint } from "../../src/models/checkpoint.ts";
import { loadLora } from "../../src/models/lora-file.ts";
import { type AppliedLora, encodeText, predict } from "../../src/models/model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { elementCount } from "../../src/tensor.ts";
import {
  checkpointBytes,
  drawn,
  type Layout,
  layoutOf,
  openFolder,
  relativeError,
} from "../support/random-checkpoint.ts";

const RANK = 4;
const UNET = "model.diffusion_model.";
const TEXT = "cond_stage_model.transformer.";
const TOLERANCE = 1e-5;

/** What LoRA files call some layers of the small Stable Diffusion 1 checkpoint, and which layers those are. */
const KOHYA: Readonly<Record<string, string>> = {
  lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q: `${UNET}input_blocks.1.1.transformer_blocks.0.attn1.to_q`,
  lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k: `${UNET}middle_block.1.transformer_blocks.0.attn2.to_k`,
  lora_unet_mid_block_resnets_1_conv2: `${UNET}middle_block.2.out_layers.3`,
  lora_unet_up_blocks_0_attentions_1_transformer_blocks_0_ff_net_0_proj: `${UNET}output_blocks.1.1.transformer_blocks.0.ff.net.0.proj`,
  lora_unet_up_blocks_1_resnets_0_conv1: `${UNET}output_blocks.2.0.in_layers.2`,
  lora_unet_up_blocks_1_attentions_1_proj_out: `${UNET}output_blocks.3.1.proj_out`,
  lora_unet_down_blocks_0_downsamplers_0_conv: `${UNET}input_blocks.2.0.op`,
  lora_unet_time_embedding_linear_1: `${UNET}time_embed.0`,
  lora_te_text_model_encoder_layers_1_self_attn_q_proj: `${TEXT}text_model.encoder.layers.1.self_attn.q_proj`,
  lora_te_text_model_encoder_layers_2_mlp_fc1: `${TEXT}text_model.encoder.layers.2.mlp.fc1`,
};

/** The same layers as the PEFT library calls them, the UNet's by Stable Diffusion's names. */
const PEFT: Readonly<Record<string, string>> = Object.fromEntries(
  Object.values(KOHYA).map((layer) => [
    layer.replace(UNET, "diffusion_model.").replace(TEXT, "text_encoder."),
    layer,
  ]),
);

const sd1 = layoutOf("sd1");

function loraLayout(
  names: Readonly<Record<string, string>>,
  [down, up]: readonly [string, string],
) {
  const layout: Record<string, readonly number[]> = {};
  for (const [name, layer] of Object.entries(names)) {
    const [outputs = 0, inputs = 0, ...kernel] = sd1[`${layer}.weight`] ?? [];
    layout[name + down] = [RANK, inputs, ...kernel];
    layout[name + up] = [outputs, RANK, ...kernel.map(() => 1)];
    layout[`${name}.alpha`] = [];
  }
  return layout;
}

const ALPHA = 2;

function loraWeights(layout: Layout) {
  return new Map(
    Object.entries(layout).map(([key, shape]) => [
      key,
      key.endsWith(".alpha") ? Float32Array.of(ALPHA) : drawn(key, ...shape).data.map((v) => v / 4),
    ]),
  );
}

/** w += factor up down, for each layer. */
function merge(
  weights: Map<string, Float32Array>,
  names: Readonly<Record<string, string>>,
  { lora, factor }: { lora: ReadonlyMap<string, Float32Array>; factor: number },
): void {
  for (const [name, layer] of Object.entries(names)) {
    const key = `${layer}.weight`;
    const [outputs = 0] = sd1[key] ?? [];
    const [down, up] = [lora.get(`${name}.lora_down.weight`), lora.get(`${name}.lora_up.weight`)];
    const weight = Float32Array.from(weights.get(key) ?? []);
    const rowLength = weight.length / outputs;
    for (let i = 0; i < weight.length; i++) {
      const [row, column] = [Math.floor(i / rowLength), i % rowLength];
      let sum = 0;
      for (let r = 0; r < RANK; r++) {
        sum += (up?.[row * RANK + r] ?? 0) * (down?.[r * rowLength + column] ?? 0);
      }
      weight[i] = (weight[i] ?? 0) + factor * sum;
    }
    weights.set(key, weight);
  }
}

/** Plainly drawn, so that the test can change them. */
function plainWeights(): Map<string, Float32Array> {
  return new Map(
    layersOf(sd1).map(([key, shape]) => {
      const fan = Math.sqrt(elementCount(shape) / (shape[0] ?? 1));
      const isNorm = shape.length === 1 && key.endsWith("weight");
      return [
        key,
        isNorm
          ? drawn(key, ...shape).data.map((v) => 1 + v / 10)
          : drawn(key, ...shape).data.map((v) => v / fan),
      ];
    }),
  );
}

/** All but the vocabulary, of which the checkpoint draws only the words in use. */
const layersOf = (layout: Layout) =>
  Object.entries(layout).filter(([key]) => !key.includes("token_embedding"));

const KOHYA_ENDS = [".lora_down.weight", ".lora_up.weight"] as const;

async function openModels() {
  const folder = await openFolder();
  const runtime = createRuntime();
  const plain = plainWeights();
  return {
    folder,
    plain,
    load: async (weights: ReadonlyMap<string, Float32Array>) => {
      const bytes = checkpointBytes(sd1, { weights });
      const file = await folder.write(`${Math.floor(performance.now() * 1e3)}.safetensors`, bytes);
      return await loadCheckpoint(runtime, { file });
    },
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

type Loaded = Awaited<ReturnType<Awaited<ReturnType<typeof openModels>>["load"]>>;

async function outputsOf({ model, clip }: Loaded, loras: readonly AppliedLora[]) {
  if (clip === null) throw new Error("there is no text encoder");
  const inputs = {
    x: drawn("x", 2, 4, 6, 4),
    timesteps: Float32Array.of(900, 20),
    context: drawn("context", 2, 77, 64),
  };
  return {
    noise: await predict({ ...model, loras }, inputs),
    text: (await encodeText({ ...clip, loras }, "a photo of a cat")).context,
  };
}

test("two LoRAs of different strengths change what they would change merged into the weights", async () => {
  await using models = await openModels();
  const layout = loraLayout(KOHYA, KOHYA_ENDS);
  const first = loraWeights(layout);
  const second = new Map(
    [...first].map(([key, data]) => [key, key.endsWith(".alpha") ? data : data.toReversed()]),
  );
  const loras: AppliedLora[] = [];
  const merged = new Map(models.plain);
  for (const [strength, weights] of [
    [0.8, first],
    [-0.5, second],
  ] as const) {
    const file = await models.folder.write(
      `lora ${strength}.safetensors`,
      checkpointBytes(layout, { weights }),
    );
    loras.push({ lora: await loadLora(file), strength });
    merge(merged, KOHYA, { lora: weights, factor: (strength * ALPHA) / RANK });
  }
  const base = await models.load(models.plain);
  const patched = await outputsOf(base, loras);
  const wanted = await outputsOf(await models.load(merged), []);
  const before = await outputsOf(base, []);
  expect(relativeError(patched.noise, wanted.noise)).toBeLessThan(TOLERANCE);
  expect(relativeError(patched.text, wanted.text)).toBeLessThan(TOLERANCE);
  expect(relativeError(before.noise, wanted.noise)).toBeGreaterThan(0.01);
  expect(relativeError(before.text, wanted.text)).toBeGreaterThan(0.01);
  expect(
    await outputsOf(
      base,
      loras.map(({ lora }) => ({ lora, strength: 0 })),
    ),
  ).toEqual(before);
});

test("the names that PEFT writes mean the same layers as kohya's", async () => {
  await using models = await openModels();
  const base = await models.load(models.plain);
  const kohya = loraLayout(KOHYA, KOHYA_ENDS);
  const peft = loraLayout(PEFT, [".lora_A.weight", ".lora_B.weight"]);
  const weights = loraWeights(kohya);
  const renamed = new Map(
    Object.keys(peft).map((key, index) => [
      key,
      [...weights.values()][index] ?? new Float32Array(),
    ]),
  );
  const files = [
    await models.folder.write("kohya.safetensors", checkpointBytes(kohya, { weights })),
    await models.folder.write("peft.safetensors", checkpointBytes(peft, { weights: renamed })),
  ];
  const outputs = files.map(async (file) =>
    outputsOf(base, [{ lora: await loadLora(file), strength: 1 }]),
  );
  const [first, second] = await Promise.all(outputs);
  expect(second).toEqual(first);
});

test("a LoRA for other sizes is refused with the layer and both sizes", async () => {
  await using models = await openModels();
  const { model } = await models.load(models.plain);
  const name = "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k";
  const layout = { [`${name}.lora_down.weight`]: [4, 768], [`${name}.lora_up.weight`]: [64, 4] };
  const file = await models.folder.write("other.safetensors", checkpointBytes(layout));
  const lora = await loadLora(file);
  expect(() => model.network.matchLora(lora)).toThrow(
    /"other.safetensors": it is for another model: .*attn2_to_k" takes 768 to 64, .* 64 to 64/,
  );
});

test.each<[string, Layout, RegExp]>([
  [
    "only half of a layer",
    { "a.lora_down.weight": [4, 8] },
    /"a.lora_down.weight" has no "a.lora_up.weight"/,
  ],
  [
    "matrices that do not meet",
    { "a.lora_down.weight": [4, 8], "a.lora_up.weight": [8, 5] },
    /down to 4 and up from 5/,
  ],
  ["a VAE", { "decoder.conv_in.weight": [4, 4, 3, 3] }, /a LoRA is not in it.*a VAE/],
])("a file with %s is refused", async (_, layout, message) => {
  await using folder = await openFolder();
  const file = await folder.write("lora.safetensors", checkpointBytes(layout));
  await expect(loadLora(file)).rejects.toThrow(message);
});
