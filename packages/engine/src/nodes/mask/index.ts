import type { NodeClass } from "../define-node.ts";
import { cropMask } from "./crop-mask.ts";
import { featherMask } from "./feather-mask.ts";
import { growMask } from "./grow-mask.ts";
import { joinImageWithAlpha, splitImageWithAlpha } from "./image-alpha.ts";
import { imageColorToMask, imageToMask, maskToImage } from "./image-and-mask.ts";
import { invertMask } from "./invert-mask.ts";
import { maskComposite } from "./mask-composite.ts";
import { maskPreview } from "./mask-preview.ts";
import { porterDuffImageComposite } from "./porter-duff-image-composite.ts";
import { solidMask } from "./solid-mask.ts";
import { thresholdMask } from "./threshold-mask.ts";

export const maskNodes: readonly NodeClass[] = [
  cropMask,
  featherMask,
  growMask,
  imageColorToMask,
  imageToMask,
  invertMask,
  joinImageWithAlpha,
  maskComposite,
  maskPreview,
  maskToImage,
  porterDuffImageComposite,
  solidMask,
  splitImageWithAlpha,
  thresholdMask,
];
