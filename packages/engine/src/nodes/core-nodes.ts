import { createRuntime, type Runtime } from "../ort/runtime.ts";
import { conditioningNodes } from "./conditioning/index.ts";
import type { NodeClass } from "./define-node.ts";
import { type ImageNodeOptions, imageNodes } from "./image/index.ts";
import { latentNodes } from "./latent/index.ts";
import { maskNodes } from "./mask/index.ts";
import { modelNodes } from "./model/index.ts";
import { modelMergeNodes } from "./model-merge/index.ts";
import { modelPatchNodes } from "./model-patch/index.ts";
import { primitiveNodes } from "./primitive/index.ts";
import { samplingNodes } from "./sampling/index.ts";
import { stringNodes } from "./string/index.ts";

export interface CoreNodeOptions extends ImageNodeOptions {
  /** Runs the models. @default one of its own on the CPU */
  readonly runtime?: Runtime;
}

/** ComfyUI's own nodes. */
export function coreNodes(options: CoreNodeOptions = {}): NodeClass[] {
  return [
    ...imageNodes(options),
    ...maskNodes,
    ...latentNodes,
    ...modelNodes(options.runtime ?? createRuntime()),
    ...conditioningNodes,
    ...modelPatchNodes,
    ...modelMergeNodes,
    ...samplingNodes,
    ...primitiveNodes,
    ...stringNodes,
  ];
}
