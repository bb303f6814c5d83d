import type { NodeClass } from "../define-node.ts";
import * as guidance from "./guidance-patches.ts";
import * as sampling from "./model-sampling.ts";

export const modelPatchNodes: readonly NodeClass[] = [
  ...Object.values(sampling),
  ...Object.values(guidance),
];
