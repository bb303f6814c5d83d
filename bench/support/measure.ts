import { cpus, loadavg, totalmem } from "node:os";

/** Wall times of one case in milliseconds, sorted. */
export interface Samples {
  readonly name: string;
  readonly sorted: readonly number[];
  /** Processor time of this process a sample, which a busy machine does not stretch as much. */
  readonly meanCpuMs: number;
}

/** Runs `once` for warm-up, then for the samples; only the latter count. */
export async function measure(
  name: string,
  once: () => Promise<unknown> | unknown,
  { warmUp = 5, samples = 30 }: { readonly warmUp?: number; readonly samples?: number } = {},
): Promise<Samples> {
  for (let index = 0; index < warmUp; index++) await once();
  const times: number[] = [];
  const cpuBefore = process.cpuUsage();
  for (let index = 0; index < samples; index++) {
    const start = performance.now();
    await once();
    times.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { name, sorted: times.sort((a, b) => a - b), meanCpuMs: (user + system) / 1000 / samples };
}

/** `share` 0.5 is the median. */
export function quantile({ sorted }: Samples, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function printMachine(): void {
  const [cpu] = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  console.log(
    `${cpus().length} x ${cpu?.model.trim()}, ${memory} GiB, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)}`,
  );
}

export function printSamples(samples: Samples, note = ""): void {
  const cpu = samples.meanCpuMs.toFixed(2);
  const [median, p95] = [quantile(samples, 0.5), quantile(samples, 0.95)].map((ms) =>
    ms.toFixed(2),
  );
  console.log(
    `${samples.name.padEnd(56)} median ${median?.padStart(8)} ms   p95 ${p95?.padStart(8)} ms   cpu ${cpu.padStart(8)} ms   n ${samples.sorted.length}  ${note}`,
  );
}
