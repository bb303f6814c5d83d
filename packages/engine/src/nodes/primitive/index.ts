import type { NodeClass } from "../define-node.ts";
import { previewAny } from "./preview-any.ts";
import * as primitives from "./primitives.ts";

export const primitiveNodes: readonly NodeClass[] = [...Object.values(primitives), previewAny];
