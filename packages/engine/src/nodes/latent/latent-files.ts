/** Latents kept in .latent files: safetensors with one tensor, `latent_tensor`. */
import { readFile } from "node:fs/promises";
import { mapValues } from "../../image/pointwise.ts";
import { readSafetensors, writeSafetensors } from "../../image/safetensors-file.ts";
import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { checkPicture, fileDigest } from "../image/loaded-picture.ts";
import { inputFile, latent, string } from "../input.ts";
import { saveFiles } from "../saving/output-files.ts";
import { graphText } from "../saving/save-pictures.ts";

/** Its presence says that values are unscaled; files without it hold them times 0.18215. */
const UNSCALED_MARK = "latent_format_version_0";
const OLD_SCALE = 0.18215;

export const saveLatent = defineNode({
  name: "SaveLatent",
  category: "_for_testing",
  inputs: { samples: latent(), filename_prefix: string({ default: "latents/ComfyUI" }) },
  hidden: { prompt: "PROMPT", extra_pnginfo: "EXTRA_PNGINFO" },
  outputs: [],
  isOutputNode: true,
  run: async ({ samples, filename_prefix, prompt, extra_pnginfo }, context) => {
    const graph = { prompt, extraPngInfo: extra_pnginfo };
    const tensors = { latent_tensor: samples.samples, [UNSCALED_MARK]: tensor([0]) };
    const latents = await saveFiles(context, {
      type: "output",
      prefix: filename_prefix,
      extension: ".latent",
      facts: { ...graph, width: 0, height: 0 },
      count: 1,
      content: () => writeSafetensors(tensors, graphText(graph)),
    });
    return { ui: { latents } };
  },
});

export const loadLatent = defineNode({
  name: "LoadLatent",
  category: "_for_testing",
  inputs: { latent: inputFile({ media: "latent" }) },
  outputs: ["LATENT"],
  validate: {
    takes: ["latent"],
    check: ({ latent }, context) => checkPicture(context.files, latent),
  },
  isChanged: ({ latent }, context) => fileDigest(context.files, latent),
  run: async ({ latent }, context) => {
    const tensors = readSafetensors(await readFile(context.files.annotatedPath(latent)), latent);
    const samples = tensors.get("latent_tensor");
    if (samples === undefined) {
      throw new Error(`${latent} has no tensor latent_tensor; it has ${[...tensors.keys()]}`);
    }
    if (tensors.has(UNSCALED_MARK)) return [{ samples }];
    return [{ samples: mapValues(samples, (value) => value / OLD_SCALE) }];
  },
});
