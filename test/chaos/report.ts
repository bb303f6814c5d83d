import { attemptsIn, memoryIn, timesIn } from "./figures.ts";
import type { JobHistory } from "./history.ts";
import type { ChaosReport } from "./run-chaos.ts";

const SHOWN = 40;

/** The history in figures, as rows of a Markdown table, and every way in which it breaks the promise. */
export function printReport(report: ChaosReport, print: (line: string) => void): void {
  const { history, violations } = report;
  for (const [name, value] of [["Figure", "Value"], ["---", "---"], ...figures(report)]) {
    print(`| ${name} | ${value} |`);
  }
  for (const { rule, where, found } of violations.slice(0, SHOWN)) {
    print(`VIOLATION ${rule}: ${where}: ${found}`);
    const job = history.jobs.find(({ id }) => id === where);
    if (job !== undefined) print(`  ${JSON.stringify(job)}`);
  }
  if (violations.length > SHOWN) print(`... and ${violations.length - SHOWN} more`);
  print(
    violations.length === 0
      ? "verdict: the promise was kept"
      : `verdict: ${violations.length} violations`,
  );
}

function figures(report: ChaosReport): (readonly [string, string])[] {
  const { history, struck, deliveries, seconds, settleSeconds, restSeconds } = report;
  const { jobs, before, after } = history;
  const count = (is: (job: (typeof jobs)[number]) => boolean) => jobs.filter(is).length;
  const times = timesIn(history);
  const memory = memoryIn(before);
  const memoryNow = memoryIn(after);
  const others = Object.keys(after).filter((name) => !name.endsWith("Bytes"));
  return [
    [
      "jobs",
      list(["accepted", "refused", "unknown"], (name) => count((job) => job.answer === name)),
    ],
    [
      "ended",
      list(["succeeded", "cancelled", "failed", "dead"], (name) =>
        count(({ record }) => record?.state === name),
      ),
    ],
    ["time of load and faults", `${seconds.toFixed(0)} s`],
    ["time until the last job had ended", `${settleSeconds.toFixed(1)} s more`],
    ["time until everything was as before", `${restSeconds.toFixed(1)} s more`],
    ...Object.entries(struck).map(
      ([name, strikes]) => [`fault: ${name}`, String(strikes)] as const,
    ),
    ["attempts begun", String(attemptsIn(history))],
    [
      "jobs of more than one attempt",
      String(count(({ record }) => record !== undefined && record.attempt > 1)),
    ],
    [
      "redeliveries",
      `${deliveries.takenOver} run again, ${deliveries.held} held for a living attempt, ${deliveries.late} of ended jobs`,
    ],
    ["streams read to the end", String(count(({ stream }) => stream !== undefined))],
    [
      "from submission to end",
      `median ${shown(times.p50)}, 95 of 100 within ${shown(times.p95)}, longest ${told(times.longest)}`,
    ],
    ...[...memoryNow].map(
      ([kind, now]) =>
        [
          `memory of ${kind}`,
          `${(memory.get(kind) ?? 0).toFixed(0)} MiB before, ${now.toFixed(0)} MiB after`,
        ] as const,
    ),
    [
      "left, before and after",
      others.map((name) => `${name} ${before[name] ?? 0} ${after[name]}`).join(", "),
    ],
    ["violations", String(report.violations.length)],
  ];
}

function told(job: JobHistory | undefined): string {
  if (job === undefined) return "none";
  const { tookMs = 0, answeredMs = 0, id, lane, record, answer } = job;
  return `${shown(tookMs)} (${id}, lane ${lane}, attempt ${record?.attempt}; ${answer} after ${shown(answeredMs)})`;
}

function list(names: readonly string[], count: (name: string) => number): string {
  return names.map((name) => `${count(name)} ${name}`).join(", ");
}

function shown(milliseconds: number): string {
  return milliseconds < 1_000
    ? `${milliseconds.toFixed(0)} ms`
    : `${(milliseconds / 1_000).toFixed(1)} s`;
}
