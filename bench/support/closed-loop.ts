export interface LoopResult {
  readonly name: string;
  /** Milliseconds, sorted. */
  readonly sorted: readonly number[];
  readonly perSecond: number;
}

export interface LoopOptions {
  readonly name: string;
  /** Calls that are under way at any moment: the next starts when one has ended. */
  readonly inFlight: number;
  readonly warmUp: number;
  readonly samples: number;
}

/** Calls `once` with a number that never repeats; the warm-up's times do not count. */
export async function closedLoop(
  { name, inFlight, warmUp, samples }: LoopOptions,
  once: (index: number) => Promise<unknown>,
): Promise<LoopResult> {
  let index = 0;
  const runMany = async (count: number): Promise<number[]> => {
    const last = index + count;
    const times: number[] = [];
    const lane = async () => {
      while (index < last) {
        const mine = index++;
        const start = performance.now();
        await once(mine);
        times.push(performance.now() - start);
      }
    };
    await Promise.all(Array.from({ length: inFlight }, lane));
    return times;
  };
  await runMany(warmUp);
  const start = performance.now();
  const times = await runMany(samples);
  const perSecond = (samples * 1000) / (performance.now() - start);
  return { name, sorted: times.sort((a, b) => a - b), perSecond };
}

export function printLoop(result: LoopResult, note = ""): void {
  printTimes(
    { ...result, name: `${result.name.padEnd(40)} ${result.perSecond.toFixed(0)}/s` },
    note,
  );
}

/** Wall times of many calls in milliseconds, sorted. */
export function printTimes({ name, sorted }: Omit<LoopResult, "perSecond">, note = ""): void {
  const [median, p95] = [0.5, 0.95].map((share) => percentile(sorted, share).toFixed(2));
  console.log(
    `${name.padEnd(58)} median ${median?.padStart(8)} ms   p95 ${p95?.padStart(8)} ms   n ${sorted.length}  ${note}`,
  );
}

/** `share` 0.5 is the median. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
