import { repeatToBatch } from "../image/batch.ts";
import { channelsFirst, resizeImage, type Size } from "../image/resize.ts";
import type { Tensor } from "../tensor.ts";
import type { ControlPicture } from "./control-net.ts";

/** The picture as networks see it, [1 or B,C,H,W] with 0..1: its middle, cut to the size's shape, the nearest pixels taken. */
export function controlHint({ image, batch }: ControlPicture, size: Size): Tensor {
  const sized = resizeImage(image, { ...size, method: "nearest-exact", crop: "center" });
  return channelsFirst(sized.shape[0] === 1 ? sized : repeatToBatch(sized, batch));
}
