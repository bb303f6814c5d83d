import type { Tensor } from "../tensor.ts";

export interface QuantizedRows {
  /** [K,N]: what was row n is column n; kernels [C,kh,kw] in the order [kh,kw,C]. Below 0 as two's complement. */
  readonly values: Uint8Array;
  /** [N] */
  readonly scales: Float32Array;
}

const LARGEST = 127;

/**
 * Each row of a weight [N,...] as whole numbers -127..127 times the row's scale, the largest magnitude at 127. A row that
 * holds a NaN or an infinity gets such a scale, so that it shows in what is computed. `zero` is added to the numbers.
 */
export function quantizeRows({ shape, data }: Tensor, zero: number): QuantizedRows {
  const [rows = 0, channels = 1, ...kernel] = shape;
  const positions = kernel.reduce((product, size) => product * size, 1);
  const length = channels * positions;
  const values = new Uint8Array(rows * length);
  const scales = new Float32Array(rows);
  for (let n = 0; n < rows; n++) {
    const start = n * length;
    let largest = 0;
    for (let k = 0; k < length; k++) largest = Math.max(largest, Math.abs(data[start + k] ?? 0));
    scales[n] = largest / LARGEST;
    const factor = largest === 0 ? 0 : LARGEST / largest;
    for (let c = 0; c < channels; c++) {
      for (let p = 0; p < positions; p++) {
        const value = data[start + c * positions + p] ?? 0;
        values[(p * channels + c) * rows + n] = zero + Math.round(value * factor);
      }
    }
  }
  return { values, scales };
}
