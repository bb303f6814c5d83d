import type { NodeClass } from "../define-node.ts";
import * as clips from "./merge-clips.ts";
import * as models from "./merge-models.ts";
import * as saving from "./save-models.ts";

export const modelMergeNodes: readonly NodeClass[] = [
  ...Object.values(models),
  ...Object.values(clips),
  ...Object.values(saving),
];
