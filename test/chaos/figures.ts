import type { ChaosFleet } from "./fleet.ts";
import type { History, JobHistory, Resources } from "./history.ts";

/** Deliveries of a job that had been delivered before, by what came of them; counted in the workers' logs. */
export interface Deliveries {
  /** A new attempt. */
  readonly takenOver: number;
  /** The attempt was alive: the delivery waited for its end. */
  readonly held: number;
  /** The job had ended. */
  readonly late: number;
}

export async function deliveriesOf(fleet: ChaosFleet): Promise<Deliveries> {
  const logs = await Promise.all(fleet.workers.map((worker) => fleet.log(worker)));
  const count = (...texts: string[]) =>
    logs
      .flatMap((log) => log.split("\n"))
      .filter((line) => texts.some((text) => line.includes(`"msg":"${text}"`))).length;
  return {
    takenOver: count("taken over from an earlier attempt"),
    held: count("its attempt is alive: the delivery is held"),
    late: count(
      "delivered, but not to be run",
      "a second message of a job that runs here: dropped",
    ),
  };
}

/** Attempts that said that they had begun. */
export function attemptsIn({ jobs }: History): number {
  return jobs.reduce((sum, { events }) => {
    const started = events.filter(({ type }) => type === "job-start").map(({ attempt }) => attempt);
    return sum + new Set(started).size;
  }, 0);
}

/** Of the times from submission to end: median and 95 of 100, in milliseconds, and the job that took the longest. */
export function timesIn({ jobs }: History): {
  p50: number;
  p95: number;
  longest: JobHistory | undefined;
} {
  const ended = jobs
    .filter(({ tookMs }) => tookMs !== undefined)
    .toSorted((one, other) => (one.tookMs ?? 0) - (other.tookMs ?? 0));
  const at = (share: number) => ended[Math.floor((ended.length - 1) * share)];
  return { p50: at(0.5)?.tookMs ?? 0, p95: at(0.95)?.tookMs ?? 0, longest: at(1) };
}

/** Memory by program, all of its kind together: MiB. */
export function memoryIn(resources: Resources): ReadonlyMap<string, number> {
  const kinds = new Map<string, number>();
  for (const [name, bytes] of Object.entries(resources)) {
    if (!name.endsWith("Bytes")) continue;
    const kind = name.slice(0, -"Bytes".length).replace(/-\d+$/, "");
    kinds.set(kind, (kinds.get(kind) ?? 0) + bytes / 2 ** 20);
  }
  return kinds;
}
