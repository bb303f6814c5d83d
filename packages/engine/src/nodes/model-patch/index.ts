import type { NodeClass } from "../define-node.ts";
import * as attention from "./attention-multiply.ts";
import * as freeU from "./free-u-nodes.ts";
import * as formulas from "./guidance-formula-nodes.ts";
import * as guidance from "./guidance-patches.ts";
import * as sampling from "./model-sampling.ts";

export const modelPatchNodes: readonly NodeClass[] = [
  ...Object.values(sampling),
  ...Object.values(guidance),
  ...Object.values(freeU),
  ...Object.values(attention),
  ...Object.values(formulas),
];
