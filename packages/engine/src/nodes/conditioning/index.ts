import type { NodeClass } from "../define-node.ts";
import * as areas from "./areas.ts";
import * as combine from "./combine.ts";
import * as control from "./control.ts";
import * as gligen from "./gligen.ts";
import * as inpaint from "./inpaint.ts";
import * as style from "./style.ts";
import * as unclip from "./unclip.ts";
import * as zero123 from "./zero123.ts";

export const conditioningNodes: readonly NodeClass[] = [
  ...Object.values(combine),
  ...Object.values(areas),
  ...Object.values(inpaint),
  ...Object.values(control),
  ...Object.values(unclip),
  ...Object.values(style),
  ...Object.values(zero123),
  ...Object.values(gligen),
];
