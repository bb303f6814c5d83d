import { setTimeout as delay } from "node:timers/promises";
import { type Lane, lanes } from "@rabbitloom/protocol";
import { childrenOf } from "../support/process-figures.ts";
import type { ChaosFleet } from "./fleet.ts";
import type { Program } from "./program.ts";
import type { Random } from "./random.ts";
import type { Server } from "./servers.ts";

/** What faults strike. */
export interface Ground {
  readonly fleet: ChaosFleet;
  /** Submits more jobs to a lane at once than it takes. */
  flood(lane: Lane): Promise<void>;
  /** Lets nothing be declared meanwhile: no job is submitted that asks to be watched. */
  withoutWatchers(task: () => Promise<void>): Promise<void>;
}

export interface Fault {
  readonly name: string;
  /** How often it comes in a round after the first, in which everything comes once. */
  readonly weight: number;
  /** Nothing else begins while it lasts: a server cannot be restarted twice at once. */
  readonly isAlone?: boolean;
  /** Resolves when the fault is over. */
  readonly strike: (ground: Ground, random: Random) => Promise<void>;
}

const LOOK_EVERY_MS = 50;
/** A worker whose engine has ended starts another one with the next job. */
const ENGINE_LOOKS = 200;

/** Everything that breaks a fleet of ours; what costs seconds comes less often. */
export const faults: readonly Fault[] = [
  { name: "worker SIGKILL", weight: 6, strike: onWorker((worker) => worker.kill("SIGKILL")) },
  { name: "worker SIGTERM", weight: 3, strike: onWorker((worker) => worker.kill("SIGTERM")) },
  { name: "worker SIGSTOP", weight: 3, strike: onWorker(freeze) },
  { name: "engine SIGKILL", weight: 6, strike: onWorker(killEngine) },
  { name: "gateway SIGKILL", weight: 3, strike: onGateway((gateway) => gateway.kill("SIGKILL")) },
  { name: "gateway SIGTERM", weight: 2, strike: onGateway((gateway) => gateway.kill("SIGTERM")) },
  { name: "gateway SIGSTOP", weight: 2, strike: onGateway(freeze) },
  { name: "AMQP cut", weight: 4, strike: async ({ fleet }) => fleet.broker.proxy.cut() },
  { name: "AMQP refused", weight: 2, strike: ({ fleet }, random) => refuse(fleet.broker, random) },
  { name: "AMQP slow", weight: 2, strike: ({ fleet }, random) => slow(fleet.broker, random) },
  { name: "Redis cut", weight: 4, strike: async ({ fleet }) => fleet.redis.proxy.cut() },
  { name: "Redis refused", weight: 2, strike: ({ fleet }, random) => refuse(fleet.redis, random) },
  { name: "Redis slow", weight: 2, strike: ({ fleet }, random) => slow(fleet.redis, random) },
  { name: "Redis restart", weight: 2, isAlone: true, strike: restart("redis", "stop") },
  { name: "Redis kill -9", weight: 2, isAlone: true, strike: restart("redis", "crash") },
  { name: "RabbitMQ restart", weight: 1, isAlone: true, strike: restart("broker", "stop") },
  { name: "RabbitMQ kill -9", weight: 1, isAlone: true, strike: crashBroker },
  { name: "lane flooded", weight: 3, strike: ({ flood }, random) => flood(random.pick(lanes)) },
];

/** Round after round, each in an order of its own: in the first one every fault comes once, then by weight. */
export function* faultPlan(
  chosen: readonly Fault[],
  random: Random,
): Generator<Fault, never, undefined> {
  yield* random.shuffled(chosen);
  const byWeight = chosen.flatMap((fault) => Array.from({ length: fault.weight }, () => fault));
  for (;;) yield* random.shuffled(byWeight);
}

type Strike = (program: Program, random: Random) => void | Promise<void>;

function onWorker(strike: Strike): Fault["strike"] {
  return async ({ fleet }, random) => strike(await running(fleet.workers, random), random);
}

function onGateway(strike: Strike): Fault["strike"] {
  return async ({ fleet }, random) => strike(await running(fleet.gateways, random), random);
}

/** One of them; where it is just being started again, as soon as it is there. */
async function running<Kind extends Program>(
  programs: readonly [Kind, ...Kind[]],
  random: Random,
): Promise<Kind> {
  const program = random.pick(programs);
  while (program.pid === 0) await delay(LOOK_EVERY_MS);
  return program;
}

function restart(name: "broker" | "redis", how: "stop" | "crash"): Fault["strike"] {
  return ({ fleet }, random) => fleet[name].restart(how, random);
}

/** RabbitMQ 3.10 cannot restart a queue or stream that was declared less than 2 to 3 s before a kill -9; more on a busy machine. */
const QUEUE_SETTLES_MS = 8_000;

async function crashBroker({ fleet, withoutWatchers }: Ground, random: Random): Promise<void> {
  await withoutWatchers(async () => {
    await delay(QUEUE_SETTLES_MS);
    await fleet.broker.restart("crash", random);
  });
}

/** Long enough to be missed by the store, now and then by the broker: it gives up after 20 to 30 s. */
async function freeze(program: Program, random: Random): Promise<void> {
  program.kill("SIGSTOP");
  await delay(random.next() < 0.1 ? 35_000 : random.between(200, 5_000));
  program.kill("SIGCONT");
}

async function killEngine(worker: Program): Promise<void> {
  for (let looks = 0; looks < ENGINE_LOOKS; looks++) {
    // Undefined where the worker has been started a moment ago.
    const [engine] = await childrenOf(worker.pid);
    if (engine !== undefined && kill(engine)) return;
    await delay(LOOK_EVERY_MS);
  }
}

/** False where it has ended by itself in between. */
function kill(pid: number): boolean {
  try {
    return process.kill(pid, "SIGKILL");
  } catch {
    return false;
  }
}

async function refuse({ proxy }: Server, random: Random): Promise<void> {
  proxy.close();
  proxy.cut();
  await delay(random.between(200, 4_000));
  proxy.open();
}

async function slow({ proxy }: Server, random: Random): Promise<void> {
  proxy.delay(random.between(5, 100));
  await delay(random.between(1_000, 4_000));
  proxy.delay(0);
}
