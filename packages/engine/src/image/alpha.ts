import { type Tensor, tensor } from "../tensor.ts";

/** image: [B,H,W,C]; returns [B,H,W,channels]: extra channels dropped, missing ones opaque (1). */
export function withChannels(image: Tensor, channels: number): Tensor {
  const given = image.shape.at(-1) ?? 1;
  if (given === channels) return image;
  const count = image.data.length / given;
  const data = new Float32Array(count * channels).fill(1);
  const kept = Math.min(given, channels);
  for (let i = 0; i < count; i++) {
    for (let c = 0; c < kept; c++) data[i * channels + c] = image.data[i * given + c]!;
  }
  return tensor([...image.shape.slice(0, -1), channels], data);
}
