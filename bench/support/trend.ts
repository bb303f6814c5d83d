export interface Trend {
  /** Means of the second, third and last quarter: the first one is warm-up. */
  readonly quarters: readonly [number, number, number];
  /** By least squares over the last three quarters. */
  readonly perHour: number;
}

/** How a figure moved; `samples` are [seconds, value], in order, at least eight. */
export function trendOf(samples: readonly (readonly [seconds: number, value: number])[]): Trend {
  if (samples.length < 8)
    throw new RangeError(`expected at least 8 samples, got ${samples.length}`);
  const quarter = Math.floor(samples.length / 4);
  const part = (index: number) => samples.slice(index * quarter, (index + 1) * quarter);
  const settled = samples.slice(quarter);
  const middle = [
    mean(settled.map(([at]) => at)),
    mean(settled.map(([, value]) => value)),
  ] as const;
  let [product, square] = [0, 0];
  for (const [at, value] of settled) {
    product += (at - middle[0]) * (value - middle[1]);
    square += (at - middle[0]) ** 2;
  }
  const meanOf = (index: number) => mean(part(index).map(([, value]) => value));
  return { quarters: [meanOf(1), meanOf(2), meanOf(3)], perHour: (3600 * product) / square };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
