import { loadCheckpoint } from "../../models/checkpoint.ts";
import { missingTextEncoder, missingVae } from "../../models/missing-parts.ts";
import type { Runtime } from "../../ort/runtime.ts";
import { embeddingFinder } from "../../text/find-embedding.ts";
import type { NodeClass } from "../define-node.ts";
import { defineNode } from "../define-node.ts";
import { modelFile } from "../input.ts";

/** A part that the file lacks is an error only where a node needs it. */
export function checkpointLoaderSimple(runtime: Runtime): NodeClass {
  return defineNode({
    name: "CheckpointLoaderSimple",
    displayName: "Load Checkpoint",
    category: "loaders",
    inputs: { ckpt_name: modelFile("checkpoints", {}) },
    outputs: ["MODEL", "CLIP", "VAE"],
    run: async ({ ckpt_name }, { models }) => {
      const { model, clip, vae } = await loadCheckpoint(runtime, {
        file: models.path("checkpoints", ckpt_name),
        findEmbedding: embeddingFinder(models),
      });
      return [model, clip ?? missingTextEncoder(ckpt_name), vae ?? missingVae(ckpt_name)];
    },
  });
}
