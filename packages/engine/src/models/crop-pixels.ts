import { type Tensor, tensor } from "../tensor.ts";

/** The middle of an IMAGE, with sides that `multiple` divides, and its first three channels. */
export function cropPixels(pixels: Tensor, multiple: number): Tensor {
  const [batch = 0, height = 0, width = 0, channels = 0] = pixels.shape;
  const [rows, columns] = [fit(height, multiple), fit(width, multiple)];
  const isWhole = rows.size === height && columns.size === width && channels === RGB;
  if (isWhole) return pixels;
  const cropped = tensor([batch, rows.size, columns.size, RGB]);
  let to = 0;
  for (let b = 0; b < batch; b++) {
    for (let y = 0; y < rows.size; y++) {
      let from = ((b * height + rows.start + y) * width + columns.start) * channels;
      for (let x = 0; x < columns.size; x++, from += channels, to += RGB) {
        cropped.data.set(pixels.data.subarray(from, from + RGB), to);
      }
    }
  }
  return cropped;
}

const RGB = 3;

function fit(size: number, multiple: number): { size: number; start: number } {
  const rest = size % multiple;
  return { size: size - rest, start: Math.floor(rest / 2) };
}
