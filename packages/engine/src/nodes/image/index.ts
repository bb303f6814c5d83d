import type { NodeClass } from "../define-node.ts";
import { emptyImage } from "./empty-image.ts";
import { imageBatch } from "./image-batch.ts";
import { imageBlend } from "./image-blend.ts";
import { imageBlur } from "./image-blur.ts";
import { imageCompositeMasked } from "./image-composite-masked.ts";
import { imageInvert } from "./image-invert.ts";
import { imageScale } from "./image-scale.ts";
import { imageScaleBy } from "./image-scale-by.ts";
import { imageSharpen } from "./image-sharpen.ts";
import { loadImage } from "./load-image.ts";
import { previewImage } from "./preview-image.ts";
import { saveImage } from "./save-image.ts";
import { saveImageWebsocket } from "./save-image-websocket.ts";

export type ImageNodeOptions = {
  /** Files with more pixels (width x height x frames) are refused before they are decoded. @default 50 million */
  readonly maxInputPixels?: number | undefined;
};

export function imageNodes({ maxInputPixels }: ImageNodeOptions = {}): NodeClass[] {
  return [
    emptyImage,
    imageBatch,
    imageBlend,
    imageBlur,
    imageCompositeMasked,
    imageInvert,
    imageScale,
    imageScaleBy,
    imageSharpen,
    loadImage(maxInputPixels),
    previewImage,
    saveImage,
    saveImageWebsocket,
  ];
}
