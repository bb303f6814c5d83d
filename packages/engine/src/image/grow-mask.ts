import { type Tensor, tensor } from "../tensor.ts";
import { asMaskBatch } from "./mask-shape.ts";

/**
 * Grows (steps > 0) or shrinks a mask pixel by pixel: each step takes the maximum (minimum) over the
 * four neighbours, or over all eight where corners stay square. mask: [B,H,W]
 */
export function growMask(
  mask: Tensor,
  { steps, taperedCorners }: { steps: number; taperedCorners: boolean },
): Tensor {
  const { shape, data } = asMaskBatch(mask);
  const [batch = 1, height = 1, width = 1] = shape;
  const area = height * width;
  // Shrinking is growing of the negative.
  const sign = steps < 0 ? -1 : 1;
  const result = Float32Array.from(data, (value) => value * sign);
  for (let b = 0; b < batch; b++) {
    let current: Float32Array = result.subarray(b * area, (b + 1) * area);
    for (let step = 0; step < Math.abs(steps); step++) {
      const next = dilate(current, { width, height, taperedCorners });
      if (next.every((value, i) => value === current[i])) break;
      current = next;
    }
    result.set(current, b * area);
  }
  return tensor(
    shape,
    result.map((value) => value * sign),
  );
}

/** A neighbour beyond the edge counts as the pixel itself. */
function dilate(
  plane: Float32Array,
  { width, height, taperedCorners }: { width: number; height: number; taperedCorners: boolean },
): Float32Array {
  const result = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) {
    const up = y > 0 ? -width : 0;
    const down = y < height - 1 ? width : 0;
    for (let x = 0; x < width; x++) {
      const i = y * width + x;
      const left = x > 0 ? -1 : 0;
      const right = x < width - 1 ? 1 : 0;
      let best = Math.max(plane[i]!, plane[i + left]!, plane[i + right]!);
      best = Math.max(best, plane[i + up]!, plane[i + down]!);
      if (!taperedCorners) {
        best = Math.max(best, plane[i + up + left]!, plane[i + up + right]!);
        best = Math.max(best, plane[i + down + left]!, plane[i + down + right]!);
      }
      result[i] = best;
    }
  }
  return result;
}
