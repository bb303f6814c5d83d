/**
 * Each form that LoRA files have, as PyTorch computes it, within 1e-5 of the largest value; ../fixtures/models/make-lora-forms.py
 * made the numbers. Whole networks are then the same as checkpoints of the changed weights.
 */
import { expect, test } from "vitest";
import { loadCheckpoint } from "../../src/models/checkpoint.ts";
import { loadLora } from "../../src/models/lora-file.ts";
import { lowRankChange } from "../../src/models/lora-forms.ts";
import { encodeText, predict } from "../../src/models/model.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { elementCount, type Tensor } from "../../src/tensor.ts";
import {
  checkpointBytes,
  drawn,
  type Layout,
  layoutOf,
  openFolder,
  readReference,
  relativeError,
} from "../support/random-checkpoint.ts";

const TOLERANCE = 1e-5;
const STRENGTH = 0.7;
const ALPHA = 3;
const forms = readReference("lora-forms.json");

const quarter = (name: string, ...shape: number[]) => drawn(name, ...shape).data.map((v) => v / 4);

function fileOf(layout: Layout): Buffer {
  const weights = new Map<string, Float32Array>([["layer.alpha", Float32Array.of(ALPHA)]]);
  for (const [key, shape] of Object.entries(layout)) weights.set(key, quarter(key, ...shape));
  return checkpointBytes({ ...layout, "layer.alpha": [] }, { weights });
}

const linear = ["low-rank", "hadamard", "kronecker", "kronecker-low", "generalized"];
const others = ["generalized-old", "difference", "replacement", "oft", "boft"];
const decomposed = ["magnitudes-by-output", "magnitudes-by-input"];
const all = [...linear, ...others, ...decomposed];

test.each([
  ...all.map((form) => `linear ${form}`),
  ...all.map((form) => `conv ${form}`),
  "conv low-rank-core",
  "conv hadamard-core",
])("a weight changed by the form '%s' is PyTorch's", async (form) => {
  await using folder = await openFolder();
  const file = await folder.write("form.safetensors", fileOf(forms.layoutOf(form)));
  const { deltas, changes } = await loadLora(file);
  const delta = deltas.get("layer");
  const found = delta === undefined ? changes.get("layer") : [lowRankChange("form", delta)];
  const shape = form.startsWith("linear") ? [12, 8] : [12, 8, 3, 3];
  let weight: Tensor = drawn("weight", ...shape);
  for (const change of found ?? []) {
    expect(change.fits(shape)).toBe(true);
    weight = await change.apply(weight, STRENGTH);
  }
  expect(relativeError(weight, forms.expected(form, "weight"))).toBeLessThan(TOLERANCE);
});

const UNET = "model.diffusion_model.";
const TEXT = "cond_stage_model.transformer.text_model.";
const PLACES = {
  lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_q: `${UNET}middle_block.1.transformer_blocks.0.attn1.to_q`,
  lora_unet_mid_block_resnets_0_conv1: `${UNET}middle_block.0.in_layers.2`,
  lora_te_text_model_encoder_layers_1_mlp_fc1: `${TEXT}encoder.layers.1.mlp.fc1`,
} as const;

test("changed layers beside branches are a checkpoint with those weights, in UNet and text encoder", async () => {
  await using folder = await openFolder();
  await using runtime = createRuntime();
  const layout = layoutOf("sd1");
  const loha: Record<string, number[]> = {};
  for (const [name, layer] of Object.entries(PLACES)) {
    const [outputs = 0, ...rest] = layout[`${layer}.weight`] ?? [];
    for (const half of ["w1", "w2"]) {
      loha[`${name}.hada_${half}_a`] = [outputs, 2];
      loha[`${name}.hada_${half}_b`] = [2, elementCount(rest)];
    }
    loha[`${name}.diff_b`] = [outputs];
  }
  const lora = {
    "lora_unet_mid_block_resnets_0_conv1.lora_down.weight": [2, 64, 3, 3],
    "lora_unet_mid_block_resnets_0_conv1.lora_up.weight": [64, 2, 1, 1],
    "lora_unet_mid_block_resnets_1_conv1.lora_down.weight": [2, 64, 1, 1],
    "lora_unet_mid_block_resnets_1_conv1.lora_mid.weight": [2, 2, 3, 3],
    "lora_unet_mid_block_resnets_1_conv1.lora_up.weight": [64, 2, 1, 1],
    "lora_unet_out_2.diff_b": [4],
  };
  const first = await loadLora(await folder.write("loha.safetensors", checkpointBytes(loha)));
  const second = await loadLora(await folder.write("lora.safetensors", checkpointBytes(lora)));
  const loras = [
    { lora: first, strength: 0.5 },
    { lora: second, strength: -0.25 },
  ];
  const file = await folder.write("sd1.safetensors", checkpointBytes(layout));
  const { model, clip } = await loadCheckpoint(runtime, { file });
  if (clip === null) throw new Error("there is no text encoder");

  const wanted = new Map<string, Float32Array>();
  for (const [source, prefix] of [
    [model.network.source?.weights(loras), UNET],
    [clip.network.source?.weights(loras)[0], "cond_stage_model.transformer."],
  ] as const) {
    for (const [key, recipe] of source?.changes ?? [])
      wanted.set(prefix + key, await recipe.read());
  }
  expect([...wanted.keys()].sort()).toEqual(
    [
      ...Object.values(PLACES).flatMap((layer) => [`${layer}.weight`, `${layer}.bias`]),
      `${UNET}middle_block.2.in_layers.2.weight`,
      `${UNET}out.2.bias`,
    ]
      .filter((key) => key in layout)
      .sort(),
  );
  const changedFile = await folder.write(
    "changed.safetensors",
    checkpointBytes(layout, { weights: wanted }),
  );
  const changed = await loadCheckpoint(runtime, { file: changedFile });
  const inputs = {
    x: drawn("x", 2, 4, 6, 4),
    timesteps: Float32Array.of(900, 20),
    context: drawn("context", 2, 77, 64),
  };
  const patched = await predict({ ...model, loras }, inputs);
  expect(relativeError(patched, await predict(changed.model, inputs))).toBeLessThan(TOLERANCE);
  expect(relativeError(patched, await predict(model, inputs))).toBeGreaterThan(0.001);
  const text = await encodeText({ ...clip, loras }, "a photo of a cat");
  if (changed.clip === null) throw new Error("there is no text encoder");
  const { context } = await encodeText(changed.clip, "a photo of a cat");
  expect(relativeError(text.context, context)).toBeLessThan(TOLERANCE);
});

test("a form that lacks a tensor, or fits another layer, is refused by name", async () => {
  await using folder = await openFolder();
  await using runtime = createRuntime();
  const half = await folder.write("half.safetensors", checkpointBytes({ "a.hada_w1_a": [4, 2] }));
  await expect(loadLora(half)).rejects.toThrow(/layer "a" lacks "a.hada_w1_b"/);
  const name = "lora_unet_out_2";
  const wide = await loadLora(
    await folder.write("wide.safetensors", checkpointBytes({ [`${name}.diff`]: [4, 320, 3, 3] })),
  );
  const file = await folder.write("sd1.safetensors", checkpointBytes(layoutOf("sd1")));
  const { model } = await loadCheckpoint(runtime, { file });
  expect(() => model.network.matchLora(wide)).toThrow(
    /"wide.safetensors": it is for another model: its "lora_unet_out_2" does not fit the weight \[4, 32, 3, 3\]/,
  );
});
