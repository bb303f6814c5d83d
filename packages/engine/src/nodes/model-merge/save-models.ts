/** Models written to files that load again, LoRAs and merges worked in, with the workflow that made them. */
import { checkpointContent, clipContents, vaeContent } from "../../models/checkpoint-content.ts";
import { type ModelFileContent, writeModelFile } from "../../models/save-model-file.ts";
import type { NodeContext } from "../context.ts";
import { defineNode } from "../define-node.ts";
import { clip, model, string, vae } from "../input.ts";
import type { SubmittedGraph } from "../saving/node-value.ts";
import { saveFiles } from "../saving/output-files.ts";
import { graphText } from "../saving/save-pictures.ts";
import { mergeNode } from "./inputs.ts";

const saving = {
  ...mergeNode,
  outputs: [],
  isOutputNode: true,
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
} as const;

export const checkpointSave = defineNode({
  ...saving,
  name: "CheckpointSave",
  displayName: "Save Checkpoint",
  inputs: {
    model: model(),
    clip: clip(),
    vae: vae(),
    filename_prefix: string({ default: "checkpoints/ComfyUI" }),
  },
  run: async ({ model, clip, vae, filename_prefix, prompt, extra_pnginfo }, context) => {
    const content = checkpointContent({ model, clip, vae });
    await save(context, { content, prefix: filename_prefix, prompt, extraPngInfo: extra_pnginfo });
    return {};
  },
});

export const modelSave = defineNode({
  ...saving,
  name: "ModelSave",
  inputs: { model: model(), filename_prefix: string({ default: "diffusion_models/ComfyUI" }) },
  run: async ({ model, filename_prefix, prompt, extra_pnginfo }, context) => {
    const content = checkpointContent({ model });
    await save(context, { content, prefix: filename_prefix, prompt, extraPngInfo: extra_pnginfo });
    return {};
  },
});

export const vaeSave = defineNode({
  ...saving,
  name: "VAESave",
  inputs: { vae: vae(), filename_prefix: string({ default: "vae/ComfyUI_vae" }) },
  run: async ({ vae, filename_prefix, prompt, extra_pnginfo }, context) => {
    const content = vaeContent(vae);
    await save(context, { content, prefix: filename_prefix, prompt, extraPngInfo: extra_pnginfo });
    return {};
  },
});

/** A file for each tower. */
export const clipSave = defineNode({
  ...saving,
  name: "CLIPSave",
  inputs: { clip: clip(), filename_prefix: string({ default: "clip/ComfyUI" }) },
  run: async ({ clip, filename_prefix, prompt, extra_pnginfo }, context) => {
    const graph = { prompt, extraPngInfo: extra_pnginfo };
    for (const { name, content } of clipContents(clip)) {
      await save(context, { content, prefix: `${filename_prefix}_${name}`, ...graph });
    }
    return {};
  },
});

async function save(
  context: NodeContext,
  request: SubmittedGraph & { readonly content: ModelFileContent; readonly prefix: string },
): Promise<void> {
  const { content, prefix, ...graph } = request;
  const metadata = { ...content.metadata, ...graphText(graph) };
  await saveFiles(context, {
    type: "output",
    prefix,
    extension: ".safetensors",
    facts: { ...graph, width: 0, height: 0 },
    count: 1,
    content: () => (file) =>
      writeModelFile(file, { tensors: content.tensors, metadata }, context.signal),
  });
}
