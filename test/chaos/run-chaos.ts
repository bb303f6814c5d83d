import { setTimeout as delay } from "node:timers/promises";
import { returnToBaseLine, takeBaseLine } from "./base-line.ts";
import { breakThings } from "./break-things.ts";
import { submitJob } from "./client.ts";
import { collect, settle } from "./collect.ts";
import { type Drive, drive } from "./drive.ts";
import { faults as everyFault, type Fault } from "./faults.ts";
import { type Deliveries, deliveriesOf } from "./figures.ts";
import { type ChaosFleet, openChaosFleet } from "./fleet.ts";
import type { History } from "./history.ts";
import { planJob } from "./job-plan.ts";
import { insist } from "./patience.ts";
import { seeded } from "./random.ts";
import { openRecorder, type Recorder } from "./recorder.ts";
import { type Violation, verdict } from "./verdict.ts";
import { watchStreams } from "./watch-streams.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** Goes on until so many were submitted, or so much time has passed; and until every fault has struck once. */
  readonly jobs: number;
  readonly minutes: number;
  readonly print: (line: string) => void;
  /** @default 1 */
  readonly rabbitmqNodes?: number;
  /** @default all */
  readonly faults?: readonly Fault[];
  /** Where something is violated, what programs and servers wrote stays in a folder that is named. @default false */
  readonly keepsLogs?: boolean;
  /** Modules that make a broken build of the gateways or the workers. */
  readonly preload?: { readonly gateway?: string; readonly worker?: string };
  /** How long a job may be missing before a gateway looks after it. @default 15 */
  readonly missingSeconds?: number;
  /** How long the jobs may take to end, once everything is whole again. @default 180 */
  readonly settleSeconds?: number;
  /** How long everything may take to be as before, streams swept and killed engines started again. @default 120 */
  readonly restSeconds?: number;
}

export interface ChaosReport {
  readonly history: History;
  readonly violations: readonly Violation[];
  readonly struck: Readonly<Record<string, number>>;
  readonly deliveries: Deliveries;
  /** Of faults and load; what came before and after is not counted. */
  readonly seconds: number;
  readonly settleSeconds: number;
  readonly restSeconds: number;
}

const GATEWAYS = 2;
const WORKERS = 4;
const CLIENTS = 12;
/** Small, so that a flood fills a lane. */
const MAX_QUEUE_LENGTH = 60;
const FLOOD_CLIENTS = 150;
/** Long enough for two readings. */
const STREAM_KEEP_SECONDS = 10;
const WARM_UP_JOBS = 40;
const WARM_UP_MS = 180_000;
/** Clients ask for minutes before they give up. */
const ANSWERED_MS = 600_000;

/** Drives jobs through a fleet while it is broken, and holds what was seen against the promise. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, print, missingSeconds = 15, settleSeconds = 180, preload = {} } = options;
  const { rabbitmqNodes = 1, keepsLogs = false, faults = everyFault, restSeconds = 120 } = options;
  await using fleet = await openChaosFleet({
    gateways: GATEWAYS,
    workers: WORKERS,
    rabbitmqNodes,
    maxQueueLength: MAX_QUEUE_LENGTH,
    streamKeepSeconds: STREAM_KEEP_SECONDS,
    missingSeconds,
    preload,
    print,
  });
  await using recorder = await openRecorder(fleet);
  await warmUp(fleet, recorder, print);
  const before = await takeBaseLine(fleet, { timeoutMs: WARM_UP_MS, print });
  print(
    `seed ${seed}: ${GATEWAYS} gateways, ${WORKERS} workers, RabbitMQ nodes: ${rabbitmqNodes}; faults begin`,
  );

  const clock = stopwatch();
  const watch = watchStreams(fleet, recorder);
  const [first, ...others] = fleet.gateways.map(({ url }) => url);
  const driving = drive({
    urls: [first ?? "", ...others],
    random: seeded(seed),
    clients: CLIENTS,
    floodClients: FLOOD_CLIENTS,
    onJob: watch.add,
  });
  const breaking = breakThings(
    { fleet, ...driving },
    {
      faults,
      random: seeded(seed + 1),
      print,
    },
  );
  await untilEnough(options, driving, breaking);
  const stopped = Promise.all([driving.stop(), breaking.stop()]);
  stopped.catch(() => {}); // awaited below, or what is missing says more
  await insist({
    what: "every client has its answer, and every fault is over",
    timeoutMs: ANSWERED_MS,
    print,
    look: async () => [...driving.waiting, ...breaking.lasting],
  });
  const [tracked] = await stopped;
  const seconds = clock();
  const timeoutMs = settleSeconds * 1_000;
  await settle(fleet, { recorder, tracked, timeoutMs, print });
  const settled = clock();
  const jobs = await collect(fleet, { recorder, tracked, watch });
  const after = await returnToBaseLine(fleet, {
    before,
    timeoutMs: restSeconds * 1_000,
    print,
  });
  const history: History = { jobs, before, after };
  const violations = verdict(history);
  if (violations.length > 0 && keepsLogs) print(`logs are kept in ${await fleet.keepLogs()}`);
  return {
    history,
    violations,
    struck: breaking.struck,
    deliveries: await deliveriesOf(fleet),
    seconds,
    settleSeconds: settled,
    restSeconds: clock(),
  };
}

/** Opens what is opened on first use, so that it does not count as left over. */
async function warmUp(
  fleet: ChaosFleet,
  recorder: Recorder,
  print: ChaosOptions["print"],
): Promise<void> {
  const random = seeded(0);
  const plans = Array.from({ length: WARM_UP_JOBS }, (_, index) => planJob(-1 - index, random));
  await Promise.all(
    plans.map(async (plan, index) => {
      const url = fleet.gateways[index % GATEWAYS]?.url ?? "";
      while ((await submitJob(() => url, plan)).answer === "refused") await delay(50);
    }),
  );
  await insist({
    what: "the first jobs have ended",
    timeoutMs: WARM_UP_MS,
    print,
    look: async () => plans.map(({ id }) => id).filter((id) => !recorder.hasEnded(id)),
  });
}

const SAY_EVERY_MS = 30_000;

async function untilEnough(
  { jobs, minutes, print }: ChaosOptions,
  driving: Drive,
  breaking: ReturnType<typeof breakThings>,
): Promise<void> {
  const clock = stopwatch();
  let [seconds, saidAt] = [0, 0];
  while (!breaking.failed.aborted) {
    const isEnough = driving.submitted >= jobs || seconds >= minutes * 60;
    if (isEnough && breaking.isRoundOver) return;
    await delay(100);
    seconds += clock();
    if (seconds - saidAt < SAY_EVERY_MS / 1_000) continue;
    saidAt = seconds;
    const struck = Object.values(breaking.struck).reduce((sum, times) => sum + times, 0);
    print(`${driving.submitted} jobs submitted, ${struck} faults`);
  }
}

/** Each call answers the seconds since the last one. */
function stopwatch(): () => number {
  let last = performance.now();
  return () => {
    const now = performance.now();
    const seconds = (now - last) / 1_000;
    last = now;
    return seconds;
  };
}
