/** Parts of a model from files of their own. */
import { loadUnet, loadVae } from "../../models/checkpoint.ts";
import { loadTextEncoder } from "../../models/load-text-encoder.ts";
import { pixelSpaceVae } from "../../models/pixel-space.ts";
import type { Runtime } from "../../ort/runtime.ts";
import { embeddingFinder } from "../../text/find-embedding.ts";
import type { NodeClass } from "../define-node.ts";
import { defineNode } from "../define-node.ts";
import { combo, modelFile } from "../input.ts";

const PIXEL_SPACE = "pixel_space";

export function vaeLoader(runtime: Runtime): NodeClass {
  return defineNode({
    name: "VAELoader",
    displayName: "Load VAE",
    category: "loaders",
    inputs: { vae_name: modelFile({ folder: "vae", extra: [PIXEL_SPACE] }) },
    outputs: ["VAE"],
    run: async ({ vae_name }, { models }) => {
      if (vae_name === PIXEL_SPACE) return [pixelSpaceVae];
      return [await loadVae(runtime, models.path("vae", vae_name))];
    },
  });
}

/** `weight_dtype` is a choice of storage that mapped files do not need: they stay as they are. */
export function unetLoader(runtime: Runtime): NodeClass {
  return defineNode({
    name: "UNETLoader",
    displayName: "Load Diffusion Model",
    category: "advanced/loaders",
    inputs: {
      unet_name: modelFile("diffusion_models"),
      weight_dtype: combo(["default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"]),
    },
    outputs: ["MODEL"],
    run: async ({ unet_name }, { models }) => [
      await loadUnet(runtime, models.path("diffusion_models", unet_name)),
    ],
  });
}

const device = combo(["default", "cpu"], { optional: true, advanced: true });

/** Which encoder a file holds shows in it; `type` names the families that are not run here, too. */
export function clipLoader(runtime: Runtime): NodeClass {
  return defineNode({
    name: "CLIPLoader",
    displayName: "Load CLIP",
    category: "advanced/loaders",
    inputs: {
      clip_name: modelFile("text_encoders"),
      type: combo([
        "stable_diffusion",
        "stable_cascade",
        "sd3",
        "stable_audio",
        "mochi",
        "ltxv",
        "pixart",
        "cosmos",
        "lumina2",
        "wan",
        "hidream",
        "chroma",
        "ace",
        "omnigen2",
        "qwen_image",
        "hunyuan_image",
      ]),
      device,
    },
    outputs: ["CLIP"],
    run: async ({ clip_name }, { models }) => {
      const files = [models.path("text_encoders", clip_name)];
      return [await loadTextEncoder(runtime, { files, findEmbedding: embeddingFinder(models) })];
    },
  });
}

export function dualClipLoader(runtime: Runtime): NodeClass {
  return defineNode({
    name: "DualCLIPLoader",
    displayName: "DualCLIPLoader",
    category: "advanced/loaders",
    inputs: {
      clip_name1: modelFile("text_encoders"),
      clip_name2: modelFile("text_encoders"),
      type: combo(["sdxl", "sd3", "flux", "hunyuan_video", "hidream", "hunyuan_image"]),
      device,
    },
    outputs: ["CLIP"],
    run: async ({ clip_name1, clip_name2 }, { models }) => {
      const files = [clip_name1, clip_name2].map((name) => models.path("text_encoders", name));
      return [await loadTextEncoder(runtime, { files, findEmbedding: embeddingFinder(models) })];
    },
  });
}
