import { withHuggingFaceNames } from "./openclip-names.ts";
import type { TextEncoderParts } from "./text-encoder.ts";
import { type Weights, weightsUnder } from "./weights.ts";

type FoundText = Pick<TextEncoderParts, "family" | "towers">;

const CLIP_L = "text_model.embeddings.position_embedding.weight";
const OPEN_CLIP = "positional_embedding";

/** The text encoders of a checkpoint, by where they stand in it. */
export function findText(file: Weights): FoundText | undefined {
  const has = (key: string) => file.tensors.has(key);
  const l = (prefix: string) => weightsUnder(file, prefix);
  const g = (prefix: string) => withHuggingFaceNames(weightsUnder(file, prefix));

  if (has(`conditioner.embedders.1.model.${OPEN_CLIP}`)) {
    const towers = [l("conditioner.embedders.0.transformer."), g("conditioner.embedders.1.model.")];
    return { family: "sdxl", towers };
  }
  if (has(`conditioner.embedders.0.model.${OPEN_CLIP}`)) {
    const isSd2 = !has("model.diffusion_model.label_emb.0.0.weight");
    const towers = [g("conditioner.embedders.0.model.")];
    return { family: isSd2 ? "sd2" : "sdxl-refiner", towers };
  }
  if (has(`cond_stage_model.model.${OPEN_CLIP}`)) {
    return { family: "sd2", towers: [g("cond_stage_model.model.")] };
  }
  if (has(`cond_stage_model.transformer.${CLIP_L}`)) {
    return { family: "sd1", towers: [l("cond_stage_model.transformer.")] };
  }
  if (has(`cond_stage_model.transformer.${CLIP_L.replace("text_model.", "")}`)) {
    return { family: "sd1", towers: [withTextModel(l("cond_stage_model.transformer."))] };
  }
  return undefined;
}

/** Older files lack `text_model.` in their keys. */
function withTextModel(weights: Weights): Weights {
  const named = [...weights.tensors].map(([key, entry]) => [`text_model.${key}`, entry] as const);
  return { ...weights, tensors: new Map(named) };
}

/** The text encoder that a file of its own holds, alone or for one of two towers. */
export function findTextTower(
  file: Weights,
): { slot: "l" | "g" | "h"; weights: Weights } | undefined {
  for (const prefix of [
    "",
    "text_encoders.clip_l.transformer.",
    "text_encoders.clip_g.transformer.",
    "clip_l.",
    "clip_g.",
    "transformer.",
  ]) {
    const under = weightsUnder(file, prefix);
    const named = under.tensors.has(OPEN_CLIP) ? withHuggingFaceNames(under) : under;
    if (named.tensors.has(CLIP_L)) return { slot: slotOf(named), weights: named };
  }
  return undefined;
}

/** By depth: 12 layers are CLIP-L, 24 OpenCLIP-H, 32 OpenCLIP-G. */
function slotOf(weights: Weights): "l" | "g" | "h" {
  if (weights.tensors.has("text_model.encoder.layers.30.mlp.fc1.weight")) return "g";
  return weights.tensors.has("text_model.encoder.layers.22.mlp.fc1.weight") ? "h" : "l";
}
