import { type Tensor, tensor } from "../tensor.ts";
import { channelPlanes } from "./plane.ts";

/** A mask of any leading dimensions, or of none, as [B,H,W]. */
export function asMaskBatch(mask: Tensor): Tensor {
  const { outer, height, width } = channelPlanes(mask);
  return tensor([outer, height, width], mask.data);
}
