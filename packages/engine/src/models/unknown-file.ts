import type { CodedError } from "@rabbitloom/protocol";
import { invalidModel, type Weights } from "./weights.ts";

/** Keys that only one kind of file has, wherever in the key they stand. */
const SIGNS: readonly (readonly [part: string, what: string])[] = [
  ["lora_unet_", "a LoRA: it belongs into the loras folder"],
  ["lora_te", "a LoRA: it belongs into the loras folder"],
  [".lora_down.weight", "a LoRA: it belongs into the loras folder"],
  [".lora_A.weight", "a LoRA: it belongs into the loras folder"],
  ["control_model.", "a ControlNet: it belongs into the controlnet folder"],
  ["input_hint_block.", "a ControlNet: it belongs into the controlnet folder"],
  ["controlnet_cond_embedding.", "a ControlNet: it belongs into the controlnet folder"],
  ["controlnet_blocks.", "a ControlNet of a diffusion transformer, which is not supported"],
  ["joint_blocks.", "Stable Diffusion 3, which is not supported"],
  ["double_blocks.", "Flux or a relative of it, which is not supported"],
  ["double_layers.", "AuraFlow, which is not supported"],
  ["clip_txt_mapper.", "Stable Cascade, which is not supported"],
  ["transformer_blocks.0.attn.", "a diffusion transformer, which is not supported"],
  ["blocks.0.cross_attn.", "a video or image transformer, which is not supported"],
  ["position_net.", "a GLIGEN: it belongs into the gligen folder"],
  ["model.diffusion_model.", "a checkpoint: it belongs into the checkpoints folder"],
  ["input_blocks.", "a UNet alone: it belongs into the diffusion_models folder"],
  ["down_blocks.", "a UNet alone, or a part of one, by diffusers' names"],
  ["taesd_", "a TAESD: it belongs into the vae_approx folder"],
  ["style_embedding", "a style model: it belongs into the style_models folder"],
  ["vision_model.", "a CLIP vision tower: it belongs into the clip_vision folder"],
  ["visual.", "a CLIP vision tower: it belongs into the clip_vision folder"],
  ["rdb1.conv", "an upscale model: it belongs into the upscale_models folder"],
  ["RDB1.conv", "an upscale model: it belongs into the upscale_models folder"],
  ["cond_stage_model.", "a text encoder: it belongs into the text_encoders folder"],
  ["text_model.encoder.", "a text encoder: it belongs into the text_encoders folder"],
  ["encoder.block.0.layer.", "a T5 text encoder, which is not supported"],
  ["first_stage_model.", "a VAE: it belongs into the vae folder"],
  ["decoder.conv_in.", "a VAE: it belongs into the vae folder"],
  ["string_to_param", "a textual inversion embedding: it belongs into the embeddings folder"],
];

const SHOWN_KEYS = 3;

/** The error for a file without what was looked for: says what it seems to be, or what it holds. */
export function unknownFile(file: Weights, wanted: string): CodedError {
  const keys = [...file.tensors.keys()];
  const sign = SIGNS.find(([part]) => keys.some((key) => key.includes(part)));
  const shown = keys
    .slice(0, SHOWN_KEYS)
    .map((key) => JSON.stringify(key))
    .join(", ");
  const found =
    keys.length === 0
      ? "it holds no tensors"
      : `its ${keys.length} tensors (${shown}${keys.length > SHOWN_KEYS ? ", ..." : ""}) look like ${sign?.[1] ?? "nothing that is known"}`;
  return invalidModel(file.name, `${wanted} is not in it; ${found}`);
}
