import type { NodeClass } from "../define-node.ts";
import * as regex from "./regex-nodes.ts";
import * as strings from "./string-nodes.ts";

export const stringNodes: readonly NodeClass[] = [
  ...Object.values(strings),
  ...Object.values(regex),
];
