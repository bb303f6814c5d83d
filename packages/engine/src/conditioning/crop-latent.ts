import { latentShape } from "../math/shape.ts";
import { type Tensor, tensor } from "../tensor.ts";
import type { LatentArea } from "./resolve-entries.ts";

/** t: [B,C,h,w]; returns [B,C,area.height,area.width], t itself where that is all of it. */
export function cropLatent(t: Tensor, area: LatentArea): Tensor {
  const { batch, channels, height, width } = latentShape(t.shape);
  if (area.width === width && area.height === height) return t;
  const out = tensor([batch, channels, area.height, area.width]);
  let to = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let y = 0; y < area.height; y++) {
      const from = (plane * height + area.y + y) * width + area.x;
      out.data.set(t.data.subarray(from, from + area.width), to);
      to += area.width;
    }
  }
  return out;
}
