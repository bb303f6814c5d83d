import { quantile, type Samples } from "./measure.ts";

export interface LoopResult extends Samples {
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
  const [median, p95] = [0.5, 0.95].map((share) => quantile(result, share).toFixed(2).padStart(8));
  console.log(
    `${result.name.padEnd(44)} ${result.perSecond.toFixed(0).padStart(6)}/s  median ${median} ms  p95 ${p95} ms  n ${result.sorted.length}  ${note}`,
  );
}
