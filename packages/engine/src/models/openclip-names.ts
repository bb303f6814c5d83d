import { rowsOf, type TensorEntry, type Weights } from "./weights.ts";

/** OpenCLIP's text tower under Hugging Face's names; the fused q, k, v become three: rows of the same bytes. */
export function withHuggingFaceNames(openClip: Weights): Weights {
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of openClip.tensors) {
    const fused = /^transformer\.resblocks\.(\d+)\.attn\.in_proj_(weight|bias)$/.exec(key);
    if (fused === null) {
      tensors.set(renamed(key), entry);
      continue;
    }
    const rows = (entry.shape[0] ?? 0) / 3;
    ["q_proj", "k_proj", "v_proj"].forEach((name, index) => {
      tensors.set(
        `text_model.encoder.layers.${fused[1]}.self_attn.${name}.${fused[2]}`,
        rowsOf(entry, index * rows, (index + 1) * rows),
      );
    });
  }
  return { ...openClip, tensors };
}

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
  ["attn.out_proj.", "self_attn.out_proj."],
];

function renamed(key: string): string {
  const layer = /^transformer\.resblocks\.(\d+)\.(.+)$/.exec(key);
  const [, index = "", rest = ""] = layer ?? [];
  const name = LAYER_NAMES.find(([openClip]) => rest.startsWith(openClip));
  if (name === undefined) return WHOLE_NAMES[key] ?? key;
  return `text_model.encoder.layers.${index}.${name[1]}${rest.slice(name[0].length)}`;
}
