import { repeatToBatch } from "../../image/batch.ts";
import { resizeChannels } from "../../image/resize.ts";
import type { Tensor } from "../../tensor.ts";

/** Cut and stretched to the other's size, its batch cut or repeated to the other's. */
export function fitLatent(t: Tensor, other: Tensor): Tensor {
  return repeatToBatch(fitLatentSize(t, other), other.shape[0] ?? 1);
}

export function fitLatentSize(t: Tensor, other: Tensor): Tensor {
  if (t.shape.slice(1).join() === other.shape.slice(1).join()) return t;
  const width = other.shape.at(-1) ?? 1;
  const height = other.shape.at(-2) ?? 1;
  return resizeChannels(t, { width, height, method: "bilinear", crop: "center" });
}
