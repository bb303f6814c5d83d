import type { ModelCatalog } from "@rabbitloom/protocol";

/** Folders that ComfyUI has from the start: they exist for clients even while nothing is in them. */
const USUAL_FOLDERS = [
  "checkpoints",
  "configs",
  "loras",
  "vae",
  "text_encoders",
  "diffusion_models",
  "clip_vision",
  "style_models",
  "embeddings",
  "diffusers",
  "vae_approx",
  "controlnet",
  "gligen",
  "upscale_models",
  "custom_nodes",
  "hypernetworks",
  "photomaker",
  "classifiers",
  "model_patches",
  "audio_encoders",
];

/** Names of the model folders, ComfyUI's first, then what the fleet has besides. */
export function modelFolders(models: ModelCatalog): string[] {
  return [...new Set([...USUAL_FOLDERS, ...Object.keys(models)])];
}
