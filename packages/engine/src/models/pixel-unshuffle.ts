/** Planes [1,C,h,w] made ready for networks that take several neighbouring pixels as channels of one. */
import { type Tensor, tensor } from "../tensor.ts";

/** Mirrored at the right and lower border until both sides are multiples; the border's pixel itself is not repeated. */
export function padToMultiple(planes: Tensor, multiple: number): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = planes.shape;
  const [rows, columns] = [height, width].map((side) => Math.ceil(side / multiple) * multiple);
  if (rows === height && columns === width) return planes;
  const padded = tensor([batch, channels, rows ?? 0, columns ?? 0]);
  return fill(padded, (plane, y, x) => {
    const row = mirrored(y, height);
    return planes.data[(plane * height + row) * width + mirrored(x, width)] ?? 0;
  });
}

/** [1,C,fh,fw] to [1,C f f,h,w]: for each channel the f x f pixels, row by row. */
export function unshuffled(planes: Tensor, factor: number): Tensor {
  if (factor === 1) return planes;
  const [batch = 0, channels = 0, height = 0, width = 0] = planes.shape;
  const area = factor * factor;
  const small = tensor([batch, channels * area, height / factor, width / factor]);
  return fill(small, (plane, y, x) => {
    const within = plane % area;
    const row = y * factor + Math.floor(within / factor);
    const source = Math.floor(plane / area) * height + row;
    return planes.data[source * width + x * factor + (within % factor)] ?? 0;
  });
}

/** The upper left part of this size. */
export function cropPlanes(planes: Tensor, size: { height: number; width: number }): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = planes.shape;
  if (size.height === height && size.width === width) return planes;
  const cropped = tensor([batch, channels, size.height, size.width]);
  return fill(cropped, (plane, y, x) => planes.data[(plane * height + y) * width + x] ?? 0);
}

function mirrored(position: number, length: number): number {
  return position < length ? position : Math.max(2 * (length - 1) - position, 0);
}

function fill(planes: Tensor, value: (plane: number, y: number, x: number) => number): Tensor {
  const [, , height = 0, width = 0] = planes.shape;
  for (let i = 0; i < planes.data.length; i++) {
    const row = Math.floor(i / width);
    planes.data[i] = value(Math.floor(row / height), row % height, i % width);
  }
  return planes;
}
