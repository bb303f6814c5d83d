/** Small random files under the names of the models that ComfyUI's classic example workflows ask for, each of its own architecture. */
import { copyFile, link, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { elementCount } from "../../src/tensor.ts";
import {
  type CheckpointOptions,
  checkpointBytes,
  type Layout,
  layoutOf,
  numbers,
  readReference,
} from "./random-checkpoint.ts";
import { torchBytes } from "./torch-bytes.ts";
import { vaeLayout } from "./vae-layout.ts";

interface ModelKind extends CheckpointOptions {
  readonly layout: Layout;
  /** In files of PyTorch, what is around the tensors. @default "state_dict" */
  readonly wrapping?: string;
}

const UNET = "model.diffusion_model.";
const FIRST_CONVOLUTION = `${UNET}input_blocks.0.0.weight`;
/** Published files are in half precision where their names say so, and checkpoints mostly are. */
const half = { type: "F16" } as const;

const control = readReference("control.json");
const patches = readReference("patches.json");
const upscalers = readReference("upscalers.json");

const under = (prefix: string, layout: Layout): Layout =>
  Object.fromEntries(Object.entries(layout).map(([key, shape]) => [prefix + key, shape]));
const without = (prefix: string, layout: Layout): Layout =>
  Object.fromEntries(Object.entries(layout).filter(([key]) => !key.startsWith(prefix)));

/** A family's UNet and text encoders with a VAE that makes an eighth of a picture's sides. */
function checkpoint(family: string): Layout {
  const prefix = "first_stage_model.";
  return { ...without(prefix, layoutOf(family)), ...under(prefix, vaeLayout()) };
}

/** What is concatenated to the latents comes in by more channels of the first convolution. */
function withInputChannels(layout: Layout, channels: number): Layout {
  const [width = 0, , ...kernel] = layout[FIRST_CONVOLUTION] ?? [];
  return { ...layout, [FIRST_CONVOLUTION]: [width, channels, ...kernel] };
}

/** A vision tower whose embeddings are so wide. */
function vision(width: number): Layout {
  const layout = patches.layoutOf("vision");
  const [inner = 0] = layout["visual.proj"] ?? [];
  return { ...layout, "visual.proj": [inner, width] };
}

const UNCLIP_WIDTH = 48;
const visionMetadata = {
  "rabbitloom.vision_tower": "OpenCLIP H",
  "rabbitloom.vision_heads": "4",
};

/** Told what is in a picture, and by how much of it is left open. */
function unclip(): Layout {
  const layout = checkpoint("sd2");
  const [embedding = 0] = layout[`${UNET}time_embed.2.bias`] ?? [];
  return {
    ...layout,
    [`${UNET}label_emb.0.0.weight`]: [embedding, 2 * UNCLIP_WIDTH],
    [`${UNET}label_emb.0.0.bias`]: [embedding],
    [`${UNET}label_emb.0.2.weight`]: [embedding, embedding],
    [`${UNET}label_emb.0.2.bias`]: [embedding],
    ...under("embedder.model.", vision(UNCLIP_WIDTH)),
  };
}

/** Prompted by what is seen, as wide as its prompts are, and by four numbers of the camera. */
function zero123(): Layout {
  const layout = withInputChannels(without("cond_stage_model.", checkpoint("sd1")), 8);
  const [, width = 0] =
    layout[`${UNET}input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight`] ?? [];
  return {
    ...layout,
    "cc_projection.weight": [width, width + 4],
    "cc_projection.bias": [width],
    ...under("cond_stage_model.model.", vision(width)),
  };
}

/** SDXL follows pictures by embeddings as wide as its pooled text. */
function visionG(): Layout {
  const [, pooled = 0] = layoutOf("sdxl")["conditioner.embedders.1.model.text_projection"] ?? [];
  return vision(pooled);
}

/** Low-rank changes of one layer of the UNet, and where there is one to it of the text encoder, by kohya's names. */
function lora(base: number, context: number, textWidth?: number): Layout {
  const rank = 4;
  const unet = "lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k";
  const text = "lora_te_text_model_encoder_layers_0_mlp_fc1";
  const changes = (name: string, inputs: number, outputs: number): Layout => ({
    [`${name}.lora_down.weight`]: [rank, inputs],
    [`${name}.lora_up.weight`]: [outputs, rank],
    [`${name}.alpha`]: [],
  });
  return {
    ...changes(unet, context, base),
    ...(textWidth === undefined ? {} : changes(text, textWidth, 4 * textWidth)),
  };
}

const sd1 = { layout: checkpoint("sd1") };
const sd2 = { layout: checkpoint("sd2") };
const sdxl = {
  layout: checkpoint("sdxl"),
  metadata: { "rabbitloom.family": "sdxl" },
  ...half,
};
const sd2Unclip = {
  layout: unclip(),
  metadata: { "rabbitloom.family": "sd2-unclip", ...visionMetadata },
};
const scribble = { layout: control.layoutOf("control-sd1") };
const sd1Lora = { layout: lora(32, 64, 64) };

/** By folder and name. */
const classicModels: Readonly<Record<string, ModelKind>> = {
  "checkpoints/v1-5-pruned-emaonly.ckpt": sd1,
  "checkpoints/Anything-V3.0.ckpt": sd1,
  "checkpoints/AbyssOrangeMix2_hard.safetensors": { ...sd1, ...half },
  "checkpoints/AOM3A1.safetensors": { ...sd1, ...half },
  "checkpoints/cardosAnime_v10.safetensors": sd1,
  "checkpoints/cardosAnimated_v20.safetensors": sd1,
  "checkpoints/sd-v1-5-inpainting.ckpt": { layout: withInputChannels(sd1.layout, 9) },
  "checkpoints/v2-1_768-ema-pruned.ckpt": sd2,
  "checkpoints/wd-illusion-fp16.safetensors": { ...sd2, ...half },
  "checkpoints/512-inpainting-ema.safetensors": { layout: withInputChannels(sd2.layout, 9) },
  "checkpoints/sd21-unclip-h.ckpt": sd2Unclip,
  "checkpoints/wd-1-5-beta2-aesthetic-unclip-h-fp32.safetensors": sd2Unclip,
  "checkpoints/sd_xl_1.0.safetensors": sdxl,
  "checkpoints/sd_xl_base_1.0.safetensors": sdxl,
  "checkpoints/sd_xl_turbo_1.0_fp16.safetensors": sdxl,
  "checkpoints/sd_xl_refiner_1.0.safetensors": {
    layout: checkpoint("sdxl-refiner"),
    metadata: { "rabbitloom.family": "sdxl-refiner" },
    ...half,
  },
  "checkpoints/cosxl.safetensors": cosXl(sdxl.layout),
  "checkpoints/cosxl_edit.safetensors": cosXl(withInputChannels(sdxl.layout, 8)),
  "checkpoints/stable_zero123.ckpt": { layout: zero123(), metadata: visionMetadata },
  "vae/vae-ft-mse-840000-ema-pruned.safetensors": { layout: vaeLayout() },
  "vae/kl-f8-anime2.ckpt": { layout: vaeLayout() },
  "loras/lcm_lora_sdxl.safetensors": { layout: lora(64, 192), ...half },
  "loras/epiNoiseoffset_v2.safetensors": sd1Lora,
  "loras/theovercomer8sContrastFix_sd15.safetensors": sd1Lora,
  "controlnet/control_scribble.safetensors": scribble,
  "controlnet/control_openpose.safetensors": scribble,
  "controlnet/diff_control_sd15_depth_fp16.safetensors": {
    layout: { ...scribble.layout, difference: [0] },
    ...half,
  },
  "clip_vision/clip_vision_g.safetensors": { layout: visionG(), metadata: visionMetadata },
  "gligen/gligen_sd14_textbox_pruned.safetensors": { layout: patches.layoutOf("gligen") },
  "embeddings/SDA768.pt": { layout: { "*": [2, 64] }, wrapping: "string_to_param" },
  "upscale_models/RealESRGAN_x4plus.pth": {
    layout: upscalers.layoutOf("plus"),
    wrapping: "params_ema",
  },
  "upscale_models/RealESRGAN_x2.pth": {
    layout: upscalers.layoutOf("unshuffle2"),
    wrapping: "params_ema",
  },
};

/** Marked for velocities on a continuous schedule; its last layer is another than SDXL's. */
function cosXl(layout: Layout): ModelKind {
  const last = `${UNET}out.2.weight`;
  const weights = new Map([
    ["edm_vpred.sigma_max", Float32Array.of(120)],
    ["edm_vpred.sigma_min", Float32Array.of(0.002)],
    [last, numbers("another", elementCount(layout[last] ?? []))],
  ]);
  const marks = { "edm_vpred.sigma_max": [], "edm_vpred.sigma_min": [] };
  return { ...sdxl, layout: { ...layout, ...marks }, weights };
}

/** Made by PyTorch. */
const HYPERNETWORK = "hypernetworks/dantionMarbleStatues_10.pt";

/** All of them, or those of these names; files of one kind and form are links to one. */
export async function writeModels(
  root: string,
  names: readonly string[] = [...Object.keys(classicModels), HYPERNETWORK],
): Promise<void> {
  const written = new Map<string, string>();
  for (const name of names) {
    const file = path.join(root, name);
    await mkdir(path.dirname(file), { recursive: true });
    if (name === HYPERNETWORK) {
      await copyFile(new URL("../fixtures/models/hypernetwork.pt", import.meta.url), file);
      continue;
    }
    const kind = classicModels[name];
    if (kind === undefined) throw new Error(`there is no model ${name}`);
    const isTorch = path.extname(name) !== ".safetensors";
    const sameAs = `${isTorch} ${JSON.stringify(kind)}`;
    const twin = written.get(sameAs);
    if (twin === undefined) {
      await writeFile(file, isTorch ? torchBytes(kind.layout, kind) : bytesOf(kind));
      written.set(sameAs, file);
    } else {
      await link(twin, file);
    }
  }
}

const bytesOf = ({ layout, ...options }: ModelKind) => checkpointBytes(layout, options);
