import { type Tensor, tensor } from "@rabbitloom/engine";

/** The size that nodes without a picture to start from make. */
const SIZE = 512;

/** [B,H,W,3] of one value. */
export function picture(value: number, batch = 1, height = SIZE, width = SIZE): Tensor {
  return filled([batch, height, width, 3], () => value);
}

export function filled(shape: readonly number[], next: () => number): Tensor {
  const made = tensor(shape);
  for (let i = 0; i < made.data.length; i++) made.data[i] = next();
  return made;
}

export function scaled({ shape, data }: Tensor, factor: number): Tensor {
  return tensor(
    shape,
    data.map((value) => value * factor),
  );
}

export function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === "object" &&
    value !== null &&
    "data" in value &&
    value.data instanceof Float32Array
  );
}

/**
 * Joins tensors value by value; sizes that differ must be 1, and count for all.
 * Shapes are aligned at the end: [H,W,1] stands for every picture of [B,H,W,3].
 */
export function broadcast(
  tensors: readonly Tensor[],
  join: (values: readonly number[]) => number,
): Tensor {
  const shape = commonShape(tensors.map((each) => each.shape));
  const strides = tensors.map((each) => alignedStrides(each.shape, shape));
  const made = tensor(shape);
  const position = shape.map(() => 0);
  const values = tensors.map(() => 0);
  for (let i = 0; i < made.data.length; i++) {
    for (const [t, { data }] of tensors.entries()) {
      values[t] = data[offsetOf(position, strides[t] ?? [])] ?? Number.NaN;
    }
    made.data[i] = join(values);
    advance(position, shape);
  }
  return made;
}

function offsetOf(position: readonly number[], strides: readonly number[]): number {
  let offset = 0;
  for (let axis = 0; axis < position.length; axis++) {
    offset += (position[axis] ?? 0) * (strides[axis] ?? 0);
  }
  return offset;
}

function commonShape(shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map(({ length }) => length));
  return Array.from({ length: rank }, (_, axis) => {
    const sizes = shapes.map((shape) => shape[axis - rank + shape.length] ?? 1);
    const size = Math.max(...sizes);
    if (sizes.some((each) => each !== size && each !== 1)) {
      const shown = shapes.map((shape) => `[${shape.join(",")}]`).join(", ");
      throw new Error(`sizes ${shown} do not go together at dimension ${axis}`);
    }
    return size;
  });
}

/** 0 where the size is 1, so that one value stands for all. */
function alignedStrides(shape: readonly number[], common: readonly number[]): number[] {
  const strides = common.map(() => 0);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    strides[axis + common.length - shape.length] = size === 1 ? 0 : stride;
    stride *= size;
  }
  return strides;
}

function advance(position: number[], shape: readonly number[]): void {
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const next = (position[axis] ?? 0) + 1;
    if (next < (shape[axis] ?? 1)) {
      position[axis] = next;
      return;
    }
    position[axis] = 0;
  }
}
