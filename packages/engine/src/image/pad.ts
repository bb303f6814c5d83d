import { type Tensor, tensor } from "../tensor.ts";
import { imagePlanes } from "./plane.ts";

/** image: [B,H,W,C], laid at (x, y) on a canvas of one value. */
export function padImage(
  image: Tensor,
  canvas: { width: number; height: number; x: number; y: number; value: number },
): Tensor {
  const { outer, height, width, inner, data } = imagePlanes(image);
  const result = tensor([outer, canvas.height, canvas.width, inner]);
  result.data.fill(canvas.value);
  for (let o = 0; o < outer; o++) {
    for (let y = 0; y < height; y++) {
      const from = (o * height + y) * width * inner;
      const to = ((o * canvas.height + canvas.y + y) * canvas.width + canvas.x) * inner;
      result.data.set(data.subarray(from, from + width * inner), to);
    }
  }
  return result;
}
