import type { NodeClass } from "./define-node.ts";
import { type ImageNodeOptions, imageNodes } from "./image/index.ts";
import { latentNodes } from "./latent/index.ts";
import { maskNodes } from "./mask/index.ts";
import { primitiveNodes } from "./primitive/index.ts";
import { stringNodes } from "./string/index.ts";

/** ComfyUI's own nodes that need no model. */
export function coreNodes(options: ImageNodeOptions = {}): NodeClass[] {
  return [...imageNodes(options), ...maskNodes, ...latentNodes, ...primitiveNodes, ...stringNodes];
}
