/** Dense matrices, row by row. */

/** a: [rows,inner], b: [inner,columns]; returns [rows,columns]. */
export function matrixProduct(
  a: Float32Array,
  b: Float32Array,
  { rows, inner, columns }: { rows: number; inner: number; columns: number },
): Float32Array {
  const out = new Float32Array(rows * columns);
  const line = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    line.fill(0);
    for (let k = 0; k < inner; k++) {
      const factor = a[row * inner + k]!;
      if (factor === 0) continue;
      const start = k * columns;
      for (let column = 0; column < columns; column++) {
        line[column] = line[column]! + factor * b[start + column]!;
      }
    }
    out.set(line, row * columns);
  }
  return out;
}

/** By Gauss and Jordan, with pivots. a: [n,n] */
export function matrixInverse(a: Float64Array, n: number): Float64Array {
  const left = Float64Array.from(a);
  const right = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
  for (let step = 0; step < n; step++) {
    let pivot = step;
    for (let row = step + 1; row < n; row++) {
      if (Math.abs(left[row * n + step]!) > Math.abs(left[pivot * n + step]!)) pivot = row;
    }
    const largest = left[pivot * n + step]!;
    if (largest === 0) throw new RangeError("the matrix has no inverse");
    for (const side of [left, right]) {
      swapRows(side, n, [step, pivot]);
      for (let column = 0; column < n; column++) side[step * n + column]! /= largest;
    }
    for (let row = 0; row < n; row++) {
      const factor = left[row * n + step]!;
      if (row === step || factor === 0) continue;
      for (const side of [left, right]) {
        for (let column = 0; column < n; column++) {
          side[row * n + column]! -= factor * side[step * n + column]!;
        }
      }
    }
  }
  return right;
}

function swapRows(matrix: Float64Array, n: number, [a, b]: readonly [number, number]): void {
  if (a === b) return;
  const row = matrix.slice(a * n, (a + 1) * n);
  matrix.copyWithin(a * n, b * n, (b + 1) * n);
  matrix.set(row, b * n);
}
