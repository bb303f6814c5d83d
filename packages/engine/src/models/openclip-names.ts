import { splitFusedAttention } from "./fused-attention.ts";
import { type SavedTensor, stacked } from "./save-model-file.ts";
import type { TensorEntry, Weights } from "./weights.ts";

/** OpenCLIP's text tower under Hugging Face's names; the fused q, k, v become three: rows of the same bytes. */
export function withHuggingFaceNames(openClip: Weights): Weights {
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of openClip.tensors) {
    for (const [own, part] of splitFusedAttention(key, entry)) tensors.set(renamed(own), part);
  }
  return { ...openClip, tensors };
}

/** OpenCLIP's vision tower, likewise; its bare `proj` is multiplied from the right and keeps a name of its own. */
export function withHuggingFaceVisionNames(openClip: Weights): Weights {
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of openClip.tensors) {
    for (const [own, part] of splitFusedAttention(key, entry)) {
      const text = renamed(own);
      const name = VISION_NAMES[own] ?? text.replace(/^text_model\./, "vision_model.");
      tensors.set(name, part);
    }
  }
  return { ...openClip, tensors };
}

const VISION_NAMES: Readonly<Record<string, string>> = {
  class_embedding: "vision_model.embeddings.class_embedding",
  "conv1.weight": "vision_model.embeddings.patch_embedding.weight",
  positional_embedding: "vision_model.embeddings.position_embedding.weight",
  "ln_pre.weight": "vision_model.pre_layrnorm.weight",
  "ln_pre.bias": "vision_model.pre_layrnorm.bias",
  "ln_post.weight": "vision_model.post_layernorm.weight",
  "ln_post.bias": "vision_model.post_layernorm.bias",
  proj: "visual_projection",
};

const WHOLE_NAMES: Readonly<Record<string, string>> = {
  positional_embedding: "text_model.embeddings.position_embedding.weight",
  "token_embedding.weight": "text_model.embeddings.token_embedding.weight",
  "ln_final.weight": "text_model.final_layer_norm.weight",
  "ln_final.bias": "text_model.final_layer_norm.bias",
};

const LAYER_NAMES: readonly (readonly [openClip: string, huggingFace: string])[] = [
  ["ln_1.", "layer_norm1."],
  ["ln_2.", "layer_norm2."],
  ["mlp.c_fc.", "mlp.fc1."],
  ["mlp.c_proj.", "mlp.fc2."],
  ["attn.", "self_attn."],
];

function renamed(key: string): string {
  const layer = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(key);
  const [, index = "", rest = ""] = layer ?? [];
  const name = LAYER_NAMES.find(([openClip]) => rest.startsWith(openClip));
  if (name === undefined) return WHOLE_NAMES[key] ?? key;
  return `text_model.encoder.layers.${index}.${name[1]}${rest.slice(name[0].length)}`;
}

/** The other way: the three of an attention become one again. */
export function withOpenClipNames(
  tensors: ReadonlyMap<string, SavedTensor>,
): Map<string, SavedTensor> {
  const named = new Map<string, SavedTensor>();
  for (const [key, tensor] of tensors) {
    const [, layer = "", part = "", end = ""] =
      /^(text_model\.encoder\.layers\.\d+\.self_attn)\.([qkv])_proj\.(weight|bias)$/.exec(key) ??
      [];
    if (part === "") named.set(openClipName(key), tensor);
    if (part !== "q") continue;
    const fused = ["q", "k", "v"].map((name) => tensors.get(`${layer}.${name}_proj.${end}`));
    const whole = fused.filter((found) => found !== undefined);
    named.set(`${openClipName(`${layer}.`)}in_proj_${end}`, stacked(whole));
  }
  return named;
}

function openClipName(key: string): string {
  const whole = Object.entries(WHOLE_NAMES).find(([, huggingFace]) => huggingFace === key);
  if (whole !== undefined) return whole[0];
  const [, index = "", rest = ""] = /^text_model\.encoder\.layers\.(\d+)\.(.*)$/.exec(key) ?? [];
  if (index === "") return key;
  const start = `transformer.resblocks.${index}.`;
  if (rest === "self_attn.") return `${start}attn.`;
  const name = LAYER_NAMES.find(([, huggingFace]) => rest.startsWith(huggingFace));
  return start + (name === undefined ? rest : name[0] + rest.slice(name[1].length));
}
