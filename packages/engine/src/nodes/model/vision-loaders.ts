/** CLIP's vision towers, alone or in checkpoints. */
import { loadCheckpoint } from "../../models/checkpoint.ts";
import { missingTextEncoder, missingVae } from "../../models/missing-parts.ts";
import {
  loadCheckpointVision,
  loadVisionEncoder,
  missingVisionEncoder,
} from "../../models/vision-encoder.ts";
import type { Runtime } from "../../ort/runtime.ts";
import { embeddingFinder } from "../../text/find-embedding.ts";
import type { NodeClass } from "../define-node.ts";
import { defineNode } from "../define-node.ts";
import { modelFile } from "../input.ts";

export function visionLoaders(runtime: Runtime): readonly NodeClass[] {
  return [
    defineNode({
      name: "CLIPVisionLoader",
      displayName: "Load CLIP Vision",
      category: "loaders",
      inputs: { clip_name: modelFile("clip_vision") },
      outputs: ["CLIP_VISION"],
      run: async ({ clip_name }, { models }) => [
        await loadVisionEncoder(runtime, models.path("clip_vision", clip_name)),
      ],
    }),
    defineNode({
      name: "unCLIPCheckpointLoader",
      category: "loaders",
      inputs: { ckpt_name: modelFile("checkpoints") },
      outputs: ["MODEL", "CLIP", "VAE", "CLIP_VISION"],
      run: async ({ ckpt_name }, { models }) => {
        const file = models.path("checkpoints", ckpt_name);
        const findEmbedding = embeddingFinder(models);
        const { model, clip, vae } = await loadCheckpoint(runtime, { file, findEmbedding });
        const vision = await loadCheckpointVision(runtime, file);
        return [
          model,
          clip ?? missingTextEncoder(ckpt_name),
          vae ?? missingVae(ckpt_name),
          vision ?? missingVisionEncoder(ckpt_name),
        ];
      },
    }),
    defineNode({
      name: "ImageOnlyCheckpointLoader",
      displayName: "Image Only Checkpoint Loader (img2vid model)",
      category: "loaders/video_models",
      module: "comfy_extras.nodes_video_model",
      inputs: { ckpt_name: modelFile("checkpoints") },
      outputs: ["MODEL", "CLIP_VISION", "VAE"],
      run: async ({ ckpt_name }, { models }) => {
        const file = models.path("checkpoints", ckpt_name);
        const { model, vae } = await loadCheckpoint(runtime, { file });
        const vision = await loadCheckpointVision(runtime, file);
        return [model, vision ?? missingVisionEncoder(ckpt_name), vae ?? missingVae(ckpt_name)];
      },
    }),
  ];
}
