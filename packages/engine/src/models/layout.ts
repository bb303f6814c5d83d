import { type Tensor, tensor } from "../tensor.ts";

/** x: [B,H,W,C]; returns [B,C,H,W] with `change` on every value. */
export function channelsFirst(x: Tensor, change: (value: number) => number): Tensor {
  const [batch = 0, height = 0, width = 0, channels = 0] = x.shape;
  const plane = height * width;
  const moved = tensor([batch, channels, height, width]);
  for (let b = 0; b < batch; b++) {
    const start = b * plane * channels;
    for (let c = 0; c < channels; c++) {
      const to = start + c * plane;
      for (let p = 0; p < plane; p++) {
        moved.data[to + p] = change(x.data[start + p * channels + c] ?? 0);
      }
    }
  }
  return moved;
}

/** x: [B,C,H,W]; returns [B,H,W,C] with `change` on every value. */
export function channelsLast(x: Tensor, change: (value: number) => number): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = x.shape;
  const plane = height * width;
  const moved = tensor([batch, height, width, channels]);
  for (let b = 0; b < batch; b++) {
    const start = b * plane * channels;
    for (let c = 0; c < channels; c++) {
      const from = start + c * plane;
      for (let p = 0; p < plane; p++) {
        moved.data[start + p * channels + c] = change(x.data[from + p] ?? 0);
      }
    }
  }
  return moved;
}
