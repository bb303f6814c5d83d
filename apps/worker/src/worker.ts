import { hostname } from "node:os";
import { type Broker, declareTopology, openLaneSource, openPublisher } from "@rabbitloom/broker";
import type { Engine } from "@rabbitloom/engine";
import type { JobStore } from "@rabbitloom/jobs";
import {
  CodedError,
  type ControlMessage,
  DEFAULT_DELIVERY_LIMIT,
  type JobQueueOptions,
  type Senders,
  topology,
  type WorkerRegistration,
} from "@rabbitloom/protocol";
import type { Logger } from "pino";
import { readCatalog } from "./fleet/catalog.ts";
import { listenToControl } from "./fleet/control.ts";
import { watchDeadLetters } from "./fleet/dead-letters.ts";
import { describeDevice } from "./fleet/device.ts";
import { serveHealth } from "./fleet/health.ts";
import { removeLeftovers } from "./fleet/leftovers.ts";
import { answerNodesCheck } from "./fleet/nodes-check.ts";
import { register } from "./fleet/registration.ts";
import { sendUnroutableAgain } from "./fleet/unroutable.ts";
import { runDelivery } from "./jobs/job-runner.ts";
import { runningJobs } from "./jobs/running-jobs.ts";
import type { WorkerLimits } from "./jobs/time-limits.ts";
import { workerTurns } from "./jobs/turns.ts";
import type { PathNames } from "./jobs/without-paths.ts";
import { runSlot } from "./slot.ts";

export interface WorkerOptions {
  readonly broker: Broker;
  readonly store: JobStore;
  /** One for each slot. */
  readonly engines: readonly [Engine, ...Engine[]];
  readonly log: Logger;
  readonly workerId: string;
  readonly version: string;
  readonly prefix: string;
  readonly pool: string;
  readonly device: string;
  readonly queueLimits: JobQueueOptions;
  readonly health: { readonly host: string; readonly port: number };
  readonly retryMs: number;
  readonly limits: WorkerLimits;
  /** Where not everybody is believed whose a job is. */
  readonly senders?: Senders | undefined;
  /** Folders of this machine, beside the engine's own, and what errors call them. */
  readonly pathNames: PathNames;
  /** How long running jobs may go on when the worker drains. */
  readonly drainMs: number;
  /** Called when the fleet tells this worker to drain. */
  readonly onDrainAsked?: () => void;
}

/**
 * running:  takes jobs.
 * draining: from `drain`; takes none, finishes what it runs, hands back what takes too long.
 * stopped:  everything is settled and closed.
 */
export interface Worker {
  readonly healthUrl: string;
  /** Resolves when everything is settled and closed. Calling it again hands running jobs back at once. */
  drain(): Promise<void>;
}

/** After the grace time: for the engine to stop or be killed, and for the last word to the broker. */
const LAST_WAIT_MS = 20_000;

/** Declares what it needs, registers, and takes jobs from its pool's lanes until drained. */
export async function startWorker(options: WorkerOptions): Promise<Worker> {
  const { broker, store, engines, log, workerId, pool, queueLimits, health, drainMs } = options;
  const names = topology({ prefix: options.prefix });
  const startedAt = new Date().toISOString();
  const running = runningJobs();
  const stopping = new AbortController();
  const [firstEngine] = engines;

  const declare = () => declareTopology(broker, names, { pools: [pool], ...queueLimits });
  await declare();
  const publisher = openPublisher(broker, { name: "worker" });

  const describe = (): Omit<WorkerRegistration, "v" | "heartbeatAt" | "catalogDigest"> => {
    const [jobId] = running.ids();
    return {
      workerId,
      pid: process.pid,
      host: hostname(),
      version: options.version,
      pool,
      state: workerState(),
      device: describeDevice(options.device),
      startedAt,
      healthUrl: server.url,
      ...(jobId !== undefined && { jobId }),
    };
  };
  const workerState = () => {
    if (stopping.signal.aborted) return "draining";
    return running.ids().length === 0 ? "idle" : "busy";
  };

  const server = await serveHealth({
    ...health,
    async check() {
      const storeProblem = await store.ping().then(() => undefined, String);
      const isWell = broker.state !== "connecting" && broker.state !== "closed" && !storeProblem;
      const { state, jobId } = describe();
      const facts = { workerId, pid: process.pid, pool, state, jobId, jobs: running.ids() };
      return { isWell, facts: { ...facts, broker: broker.state, store: storeProblem ?? "ready" } };
    },
  });

  const registration = await register({
    store,
    log,
    describe,
    readCatalog: () => readCatalog(firstEngine, log),
  });

  function obey(message: ControlMessage): void {
    switch (message.type) {
      case "job-cancel":
        if (running.cancel(message.jobId)) log.info({ jobId: message.jobId }, "cancelled");
        break;
      case "job-snapshot":
        running.snapshot(message.jobId);
        break;
      case "worker-drain":
        if (message.workerId === undefined || message.workerId === workerId)
          options.onDrainAsked?.();
        break;
      case "catalog-refresh":
        inBackground("catalog refresh", registration.refresh());
        break;
      case "memory-free":
        for (const engine of engines) {
          inBackground("memory free", engine.free({ keepResults: !message.freeMemory }));
        }
        break;
      case "nodes-check":
        inBackground("nodes check", answerNodesCheck({ engines, publisher, workerId }, message));
        break;
      case "worker-wake":
        turns.wake();
        break;
    }
  }
  function inBackground(what: string, work: Promise<void>): void {
    work.catch((err: unknown) => log.error({ err }, `${what} failed`));
  }

  const turns = workerTurns({ store, names, pool, log });
  const control = await listenToControl({ broker, names, workerId, log, onMessage: obey });
  const deadLetters = await watchDeadLetters({
    broker,
    names,
    publisher,
    store,
    log,
    deliveryLimit: queueLimits.deliveryLimit ?? DEFAULT_DELIVERY_LIMIT,
    senders: options.senders,
  });
  const leftovers = removeLeftovers({ store, folders: firstEngine.folders, log });
  await sendUnroutableAgain({ broker, publisher, names, log, senders: options.senders });

  const handingBack = new AbortController();
  const sources = engines.map((_, index) =>
    openLaneSource(broker, {
      queues: names.jobs.queues(pool),
      name: `lanes of slot ${index}`,
      setup: declare,
      turns,
    }),
  );
  const slots = engines.map((engine, index) => {
    const source = sources[index];
    if (source === undefined) throw new Error(`slot ${index} has no lanes`);
    return runSlot({
      source,
      stopping: stopping.signal,
      log,
      run: (delivery, { isBacklog }) =>
        runDelivery(
          {
            ...options,
            names,
            publisher,
            engine,
            running,
            stopping: handingBack.signal,
            draining: stopping.signal,
            isBacklog,
          },
          delivery,
        ),
    });
  });
  log.info({ workerId, pool, slots: engines.length, health: server.url }, "ready");

  function handBack(): void {
    if (handingBack.signal.aborted) return;
    handingBack.abort();
    const reason = new CodedError("WORKER_DRAINING", "The worker is shutting down.");
    running.stopAll(reason);
  }

  async function stop(): Promise<void> {
    log.info({ jobs: running.ids(), drainMs }, "draining");
    stopping.abort();
    await registration.touch().catch((err: unknown) => log.warn({ err }, "could not say so"));
    const timer = setTimeout(handBack, drainMs);
    const isSettled = await withinMs(Promise.all(slots), drainMs + LAST_WAIT_MS);
    clearTimeout(timer);
    // Broker or store are away. The messages were not acknowledged: somebody else ends these jobs.
    if (!isSettled) log.error({ jobs: running.ids() }, "stops with jobs that could not be settled");
    turns[Symbol.dispose]();
    await deadLetters[Symbol.asyncDispose]();
    await leftovers[Symbol.asyncDispose]();
    await control[Symbol.asyncDispose]();
    for (const source of sources) await source[Symbol.asyncDispose]();
    if (isSettled) await publisher.flush();
    await publisher[Symbol.asyncDispose]();
    await registration[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    log.info("stopped");
  }

  let stopped: Promise<void> | undefined;
  return {
    healthUrl: server.url,
    drain() {
      if (stopped === undefined) stopped = stop();
      else handBack();
      return stopped;
    },
  };
}

/** True when the promise has settled by then. */
async function withinMs(promise: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
