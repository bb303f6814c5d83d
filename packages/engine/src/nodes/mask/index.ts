import type { NodeClass } from "../define-node.ts";
import { invertMask } from "./invert-mask.ts";
import { solidMask } from "./solid-mask.ts";

export const maskNodes: readonly NodeClass[] = [invertMask, solidMask];
