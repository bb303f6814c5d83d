import type { Runtime } from "../../ort/runtime.ts";
import type { NodeClass } from "../define-node.ts";
import { checkpointLoaderSimple } from "./checkpoint-loader.ts";
import { controlLoaders } from "./control-loaders.ts";
import * as loras from "./lora-loaders.ts";
import { clipLoader, dualClipLoader, unetLoader, vaeLoader } from "./part-loaders.ts";
import * as text from "./text-encode.ts";
import * as sdxlText from "./text-encode-sdxl.ts";
import { imageUpscaleWithModel, upscaleModelLoader } from "./upscale-nodes.ts";
import * as vae from "./vae-nodes.ts";
import { visionLoaders } from "./vision-loaders.ts";

/** The nodes that load models, and those that run text encoders and VAEs. */
export function modelNodes(runtime: Runtime): readonly NodeClass[] {
  return [
    checkpointLoaderSimple(runtime),
    unetLoader(runtime),
    clipLoader(runtime),
    dualClipLoader(runtime),
    vaeLoader(runtime),
    upscaleModelLoader(runtime),
    imageUpscaleWithModel,
    ...controlLoaders(runtime),
    ...visionLoaders(runtime),
    ...Object.values(loras),
    ...Object.values(text),
    ...Object.values(sdxlText),
    ...Object.values(vae),
  ];
}
