/**
 * A fleet under steady load for long: the rate is a share of what the same fleet managed just before. Figures of every
 * process each ten seconds; what is flat has the same mean in the second, third and last quarter.
 *
 *   MINUTES=30 SHARE=0.8 WORKERS=2 ./loom bench soak
 */
import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { closedLoop, percentile, printTimes } from "./support/closed-loop.ts";
import { openBenchFleet } from "./support/fleet.ts";
import { emptyImagePrompt, postPrompt } from "./support/post-prompt.ts";
import { takeFigures } from "./support/resources.ts";
import { trendOf } from "./support/trend.ts";
import { printSetting } from "./support/versions.ts";

const settings = z
  .object({
    MINUTES: z.coerce.number().positive().default(30),
    SHARE: z.coerce.number().positive().max(1).default(0.8),
    WORKERS: z.coerce.number().int().positive().default(2),
  })
  .parse(process.env);
const SAMPLE_MS = 10_000;

await using fleet = await openBenchFleet({ workers: settings.WORKERS });
await printSetting(fleet.amqpUrl);

let color = 0;
const statuses = new Map<string, number>();
/** Resolves to its milliseconds, undefined where it was not answered with its picture. */
async function runJob(): Promise<number | undefined> {
  const from = performance.now();
  color += 1;
  const status = await postPrompt(fleet.url, emptyImagePrompt(color)).then(
    (answer) => String(answer.status),
    (error: unknown) => String(error),
  );
  statuses.set(status, (statuses.get(status) ?? 0) + 1);
  return status === "200" ? performance.now() - from : undefined;
}

const capacity = await closedLoop(
  { name: "capacity, 32 in flight", inFlight: 32, warmUp: 500, samples: 3_000 },
  runJob,
);
const perSecond = capacity.perSecond * settings.SHARE;
console.log(
  `capacity ${capacity.perSecond.toFixed(0)} jobs/s; ${settings.MINUTES} minutes at ${perSecond.toFixed(0)}/s`,
);
statuses.clear();

const startedAt = performance.now();
const endsAt = startedAt + settings.MINUTES * 60_000;
interface Series {
  readonly unit: string;
  readonly samples: [seconds: number, value: number][];
}
const figures = new Map<string, Series>();
const times: number[] = [];
const minutely: { p50: number; p95: number }[] = [];
await Promise.all([load(), watchFigures()]);

console.log(
  `answers: ${[...statuses].map(([status, count]) => `${status} x ${count}`).join(", ")}`,
);
printTimes({ name: "POST to picture", sorted: times.toSorted((a, b) => a - b) });
const [slow, fast] = [Math.max, Math.min].map((of) => of(...minutely.map(({ p50 }) => p50)));
console.log(`median of a minute: ${fast?.toFixed(1)} to ${slow?.toFixed(1)} ms`);
console.log(
  "| figure | unit | 2nd quarter | 3rd | 4th | trend an hour |\n|---|---|---|---|---|---|",
);
for (const [name, { unit, samples }] of figures) {
  const { quarters, perHour } = trendOf(samples);
  const cells = [...quarters, perHour].map((value) => value.toFixed(unit === "MB" ? 1 : 0));
  console.log(`| ${[name, unit, ...cells].join(" | ")} |`);
}

/** Jobs arrive at their own pace, whether earlier ones have ended or not. */
async function load(): Promise<void> {
  const open = new Set<Promise<void>>();
  let recent: number[] = [];
  for (let i = 0; ; i++) {
    const due = startedAt + (i * 1000) / perSecond;
    if (due >= endsAt) break;
    const wait = due - performance.now();
    if (wait > 1) await delay(wait);
    const job: Promise<void> = runJob().then((ms) => {
      open.delete(job);
      if (ms === undefined) return;
      times.push(ms);
      recent.push(ms);
    });
    open.add(job);
    if (performance.now() - startedAt > (minutely.length + 1) * 60_000) {
      const sorted = recent.sort((a, b) => a - b);
      minutely.push({ p50: percentile(sorted, 0.5), p95: percentile(sorted, 0.95) });
      recent = [];
    }
  }
  await Promise.all(open);
}

async function watchFigures(): Promise<void> {
  const pids = await fleet.pids();
  for (let at = startedAt; at < endsAt; at += SAMPLE_MS) {
    await delay(Math.max(0, at - performance.now()));
    for (const { name, unit, value } of await takeFigures({ ...fleet, pids })) {
      const series: Series = figures.get(name) ?? { unit, samples: [] };
      series.samples.push([(performance.now() - startedAt) / 1000, value]);
      figures.set(name, series);
    }
  }
}
