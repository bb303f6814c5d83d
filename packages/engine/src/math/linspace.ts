/**
 * `count` equal steps from `start` to `end`, both included, as torch.linspace rounds them to floats:
 * the first half counted from the start, the second from the end.
 */
export function linspace(start: number, end: number, count: number): Float32Array {
  const { fround } = Math;
  const out = new Float32Array(count);
  if (count === 0) return out;
  out[0] = start;
  if (count === 1) return out;
  const step = fround((fround(end) - fround(start)) / (count - 1));
  for (let i = 0; i < count; i++) {
    out[i] = i < count / 2 ? start + step * i : end - step * (count - 1 - i);
  }
  return out;
}
