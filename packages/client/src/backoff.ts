export interface BackoffOptions {
  /** Wait after the first failure. @default 200 */
  readonly baseDelayMs?: number;
  /** No wait is longer. @default 10_000 */
  readonly maxDelayMs?: number;
  /** Failures in a row after which the last one is thrown. @default 12, about a minute and a half */
  readonly maxFailures?: number;
}

export const backoffDefaults = {
  baseDelayMs: 200,
  maxDelayMs: 10_000,
  maxFailures: 12,
} as const satisfies Required<BackoffOptions>;

/**
 * How long to wait after `failures` failures in a row: doubled each time, and between half and all of
 * it by chance, so that the tabs that one broker dropped do not come back in step.
 *
 *   failures   0    1          2          3          4           ...  7 and more
 *   delay ms   0    100..200   200..400   400..800   800..1600   ...  5000..10000
 */
export function backoffDelayMs(
  failures: number,
  options: BackoffOptions = {},
  random: () => number = Math.random,
): number {
  const { baseDelayMs, maxDelayMs } = { ...backoffDefaults, ...options };
  if (failures <= 0) return 0;
  const ceiling = Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1));
  return ceiling * (0.5 + 0.5 * random());
}
