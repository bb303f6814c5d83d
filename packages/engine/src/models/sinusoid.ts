const MAX_PERIOD = 10_000;

/** A number as `width` numbers: cos(v f_i) for half of them, then sin(v f_i), with f_i = 10000^(-i/half). */
export function sinusoid(value: number, width: number): Float32Array {
  const half = width / 2;
  const out = new Float32Array(width);
  for (let i = 0; i < half; i++) {
    const angle = value * Math.exp((-Math.log(MAX_PERIOD) * i) / half);
    out[i] = Math.cos(angle);
    out[half + i] = Math.sin(angle);
  }
  return out;
}
