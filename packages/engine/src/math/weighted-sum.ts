/**
 * w_0 a_0 + w_1 a_1 + ...: the one operation that solver steps are made of. All arrays: equally long;
 * returns a new one. Summed in doubles, stored as floats.
 */
export function weightedSum(
  ...terms: readonly (readonly [weight: number, values: Float32Array])[]
): Float32Array {
  const [first] = terms;
  if (first === undefined) throw new RangeError("a sum needs at least one term");
  const length = first[1].length;
  for (const [, values] of terms) {
    if (values.length !== length) {
      throw new RangeError(`terms of one sum must be equally long: ${length} and ${values.length}`);
    }
  }
  const weights = Float64Array.from(terms, ([weight]) => weight);
  const arrays = terms.map(([, values]) => values);
  const out = new Float32Array(length);
  const count = arrays.length;
  for (let i = 0; i < length; i++) {
    let sum = 0;
    for (let k = 0; k < count; k++) sum += weights[k]! * arrays[k]![i]!;
    out[i] = sum;
  }
  return out;
}
