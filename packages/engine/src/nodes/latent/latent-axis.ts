import { allocateFloats } from "../../allocate-floats.ts";
import { type Tensor, tensor } from "../../tensor.ts";

/** `length` positions from `start` on along one axis. */
export function cutAxis(
  t: Tensor,
  { axis, start, length }: { axis: number; start: number; length: number },
): Tensor {
  const { outer, size, inner } = around(t, axis);
  const data = allocateFloats(outer * length * inner);
  for (let o = 0; o < outer; o++) {
    const from = (o * size + start) * inner;
    data.set(t.data.subarray(from, from + length * inner), o * length * inner);
  }
  return tensor(t.shape.with(axis, length), data);
}

/** One after the other along one axis; all other sizes must agree. */
export function joinAxis(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (first === undefined) throw new Error("nothing to join");
  for (const part of parts) {
    if (part.shape.with(axis, 0).join() !== first.shape.with(axis, 0).join()) {
      throw new Error(
        `cannot join [${first.shape}] and [${part.shape}] along axis ${axis}: the other sizes differ`,
      );
    }
  }
  const layouts = parts.map((part) => ({ data: part.data, ...around(part, axis) }));
  const total = layouts.reduce((sum, { size }) => sum + size, 0);
  const result = tensor(first.shape.with(axis, total));
  let to = 0;
  for (let o = 0; o < around(first, axis).outer; o++) {
    for (const { data, size, inner } of layouts) {
      result.data.set(data.subarray(o * size * inner, (o + 1) * size * inner), to);
      to += size * inner;
    }
  }
  return result;
}

function around(t: Tensor, axis: number): { outer: number; size: number; inner: number } {
  const product = (sizes: readonly number[]) => sizes.reduce((all, size) => all * size, 1);
  return {
    outer: product(t.shape.slice(0, axis)),
    size: t.shape[axis] ?? 1,
    inner: product(t.shape.slice(axis + 1)),
  };
}
