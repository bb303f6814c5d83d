import type { NodeClass } from "./define-node.ts";
import { type ImageNodeOptions, imageNodes } from "./image/index.ts";
import { maskNodes } from "./mask/index.ts";

/** ComfyUI's own nodes that need no model. */
export function coreNodes(options: ImageNodeOptions = {}): NodeClass[] {
  return [...imageNodes(options), ...maskNodes];
}
