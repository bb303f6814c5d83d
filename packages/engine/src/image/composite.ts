import { type Tensor, tensor } from "../tensor.ts";
import { repeatToBatch } from "./batch.ts";
import { asMaskBatch } from "./mask-shape.ts";
import { channelPlanes } from "./plane.ts";
import { resizeChannels } from "./resize.ts";
import { clamp } from "./rounding.ts";

export type CompositeOptions = {
  readonly destination: Tensor;
  readonly source: Tensor;
  readonly x: number;
  readonly y: number;
  /** [B,h,w], stretched to the source; without it the source covers. */
  readonly mask?: Tensor | undefined;
  /** Stretches the source to the destination first. */
  readonly resizeSource: boolean;
};

/**
 * Lays the source over the destination at (x, y): m * source + (1 - m) * destination. What hangs
 * over the edges is cut. destination, source: [B,C,H,W]
 */
export function composite(options: CompositeOptions): Tensor {
  const { destination, mask } = options;
  const [batch = 1, channels = 1, height = 1, width = 1] = destination.shape;
  const method = "bilinear";
  const fitted = options.resizeSource
    ? resizeChannels(options.source, { width, height, method })
    : options.source;
  const source = repeatToBatch(fitted, batch);
  const { width: sourceWidth, height: sourceHeight } = channelPlanes(source);
  const stretched =
    mask && resizeChannels(mask, { width: sourceWidth, height: sourceHeight, method });
  const masks = stretched && repeatToBatch(asMaskBatch(stretched), batch).data;
  const left = clamp(options.x, -sourceWidth, width);
  const top = clamp(options.y, -sourceHeight, height);
  const columns = { from: Math.max(0, -left), to: Math.min(sourceWidth, width - left) };
  const rows = { from: Math.max(0, -top), to: Math.min(sourceHeight, height - top) };

  const data = destination.data.slice();
  for (let plane = 0; plane < batch * channels; plane++) {
    const maskPlane = Math.floor(plane / channels) * sourceHeight;
    for (let y = rows.from; y < rows.to; y++) {
      const sourceRow = (plane * sourceHeight + y) * sourceWidth;
      const maskRow = (maskPlane + y) * sourceWidth;
      const row = (plane * height + top + y) * width + left;
      for (let x = columns.from; x < columns.to; x++) {
        const m = masks ? masks[maskRow + x]! : 1;
        const over = Math.fround(m * source.data[sourceRow + x]!);
        data[row + x] = over + Math.fround(Math.fround(1 - m) * data[row + x]!);
      }
    }
  }
  return tensor(destination.shape, data);
}
