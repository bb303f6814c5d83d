import type { NodeClass } from "../define-node.ts";
import { imageFromBatch, rebatchImages, repeatImageBatch } from "./batches.ts";
import { canny } from "./canny.ts";
import { emptyImage } from "./empty-image.ts";
import { getImageSize } from "./get-image-size.ts";
import { imageAddNoise } from "./image-add-noise.ts";
import { imageBatch } from "./image-batch.ts";
import { imageBlend } from "./image-blend.ts";
import { imageBlur } from "./image-blur.ts";
import { imageCompositeMasked } from "./image-composite-masked.ts";
import { imageCrop } from "./image-crop.ts";
import { imageInvert } from "./image-invert.ts";
import { imageFlip, imageRotate } from "./image-orientation.ts";
import { imagePadForOutpaint } from "./image-pad-for-outpaint.ts";
import { imageQuantize } from "./image-quantize.ts";
import { imageScale } from "./image-scale.ts";
import { imageScaleBy } from "./image-scale-by.ts";
import { imageSharpen } from "./image-sharpen.ts";
import { imageStitch } from "./image-stitch.ts";
import { loadImage } from "./load-image.ts";
import { loadImageMask } from "./load-image-mask.ts";
import { loadImageOutput } from "./load-image-output.ts";
import { morphology } from "./morphology.ts";
import { previewImage } from "./preview-image.ts";
import { resizeAndPadImage } from "./resize-and-pad-image.ts";
import { saveAnimatedPng, saveAnimatedWebp } from "./save-animated.ts";
import { saveImage } from "./save-image.ts";
import { saveImageWebsocket } from "./save-image-websocket.ts";
import { saveSvg } from "./save-svg.ts";
import {
  fluxKontextImageScale,
  imageScaleToMaxDimension,
  imageScaleToTotalPixels,
} from "./scale-to.ts";
import { webcamCapture } from "./webcam-capture.ts";
import { imageRgbToYuv, imageYuvToRgb } from "./yuv.ts";

export type ImageNodeOptions = {
  /** Files with more pixels (width x height x frames) are refused before they are decoded. @default 50 million */
  readonly maxInputPixels?: number | undefined;
};

export function imageNodes({ maxInputPixels }: ImageNodeOptions = {}): NodeClass[] {
  return [
    canny,
    emptyImage,
    fluxKontextImageScale,
    getImageSize,
    imageAddNoise,
    imageBatch,
    imageBlend,
    imageBlur,
    imageCompositeMasked,
    imageCrop,
    imageFlip,
    imageFromBatch,
    imageInvert,
    imagePadForOutpaint,
    imageQuantize,
    imageRgbToYuv,
    imageRotate,
    imageScale,
    imageScaleBy,
    imageScaleToMaxDimension,
    imageScaleToTotalPixels,
    imageSharpen,
    imageStitch,
    imageYuvToRgb,
    loadImage(maxInputPixels),
    loadImageMask(maxInputPixels),
    loadImageOutput(maxInputPixels),
    morphology,
    previewImage,
    rebatchImages,
    repeatImageBatch,
    resizeAndPadImage,
    saveAnimatedPng,
    saveAnimatedWebp,
    saveImage,
    saveImageWebsocket,
    saveSvg,
    webcamCapture(maxInputPixels),
  ];
}
