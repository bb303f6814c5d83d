import type { NodeClass } from "../define-node.ts";
import * as areas from "./areas.ts";
import * as combine from "./combine.ts";
import * as inpaint from "./inpaint.ts";

export const conditioningNodes: readonly NodeClass[] = [
  ...Object.values(combine),
  ...Object.values(areas),
  ...Object.values(inpaint),
];
