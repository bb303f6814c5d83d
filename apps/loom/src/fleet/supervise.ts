import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { readEnvironment } from "../config.ts";
import { type Child, type Exit, freePort, lastLines, startChild } from "../servers/index.ts";
import type { FleetOptions } from "./fleet-options.ts";
import { identifyProcess } from "./process-identity.ts";
import {
  DRAIN_SECONDS,
  type FleetFacts,
  gatewayProgram,
  type Program,
  workerProgram,
} from "./programs.ts";
import { startServers } from "./start-servers.ts";
import { type FleetState, type Part, removeState, writeState } from "./state.ts";

/** First start of Node, engine and catalog on two busy cores: measured below 5 s. */
const READY_TIMEOUT_MS = 90_000;
const READY_POLL_MS = 50;
const STOP_GRACE_MS = (DRAIN_SECONDS + 5) * 1000;

export interface Fleet {
  readonly state: FleetState;
  /** Starts or drains workers until `count` live; those that died are forgotten. */
  setWorkers(count: number): Promise<void>;
  stop(): Promise<void>;
}

export interface SuperviseHooks {
  /** Gives a start up; what runs by then is stopped. */
  readonly signal: AbortSignal;
  /** A part ended that nobody had told to. */
  readonly onPartEnd: (part: Part) => void;
  /** Added to what gateway and workers inherit. */
  readonly variables?: Readonly<Record<string, string>>;
}

interface Running {
  readonly part: Part;
  readonly child: Child;
  isStopping: boolean;
}

/**
 * Starts RabbitMQ, Redis, the gateway and the workers, and notes every process in the folder's state file
 * the moment it lives. Resolves when a job can run. On any failure everything is stopped again, and the
 * error says which part failed and what it wrote last.
 */
export async function superviseFleet(
  options: FleetOptions,
  { signal, onPartEnd, variables = {} }: SuperviseHooks,
): Promise<Fleet> {
  const environment = readEnvironment();
  const { data: dataDir, host } = options;
  await mkdir(join(dataDir, "logs"), { recursive: true });
  const running = new Map<string, Running>();
  let workersStarted = 0;
  let state = await newState(dataDir, environment.LOOM_PREFIX);
  await writeState(state);

  /** Writes follow one another, each with the latest facts. */
  let writing = Promise.resolve();
  function update(change: Partial<FleetState>): Promise<void> {
    state = { ...state, ...change };
    writing = writing.then(() => writeState(state));
    return writing;
  }
  const updateParts = () => update({ parts: [...running.values()].map(({ part }) => part) });

  async function adopt(
    { name, kind, workerId }: Pick<Part, "name" | "kind" | "workerId">,
    child: Child,
  ): Promise<void> {
    const identity = await identifyProcess(child.pid);
    if (identity === undefined) throw new Error(`${name} ended at once; see ${child.logFile}`);
    const { logFile } = child;
    const part: Part = { name, kind, workerId, process: identity, logFile };
    const entry: Running = { part, child, isStopping: false };
    running.set(name, entry);
    void child.exited.then(async (exit) => {
      if (entry.isStopping || state.phase === "stopping") return;
      const ended = { ...part, exit: describeExit(exit) };
      running.set(name, { ...entry, part: ended });
      onPartEnd(ended);
      await updateParts();
    });
    await updateParts();
  }

  async function launch(
    part: Pick<Part, "name" | "kind" | "workerId">,
    program: Program,
  ): Promise<void> {
    const logFile = join(dataDir, "logs", `${part.name}.log`);
    await adopt(part, await startChild({ ...program, logFile, cwd: dataDir }));
  }

  /** Starts what is missing of so many workers. */
  async function startWorkers(facts: FleetFacts, workers: number, live = 0): Promise<void> {
    for (let i = live; i < workers; i++) {
      workersStarted += 1;
      const name = `worker-${workersStarted}`;
      const workerId = `${name}-${state.supervisor.pid}`;
      await launch({ name, kind: "worker", workerId }, workerProgram(facts, { workerId, workers }));
    }
  }

  async function stopParts(kinds: readonly Part["kind"][], graceMs: number): Promise<void> {
    const chosen = [...running.values()].filter(({ part }) => kinds.includes(part.kind));
    for (const entry of chosen) entry.isStopping = true;
    await Promise.all(chosen.map(({ child }) => child.stop(graceMs)));
    for (const { part } of chosen) running.delete(part.name);
  }

  async function stop(): Promise<void> {
    await update({ phase: "stopping" });
    await stopParts(["worker", "gateway"], STOP_GRACE_MS);
    await stopParts(["rabbitmq", "redis"], 30_000);
    await stopParts(["epmd"], 2_000);
    await writing;
    await removeState(dataDir);
  }

  try {
    const notes: string[] = [];
    const servers = await startServers({
      dataDir,
      environment,
      onChild: (kind, child) => adopt({ name: kind, kind }, child),
      note: (text) => notes.push(text),
    });
    signal.throwIfAborted();
    const port = await freePort(options.port, host);
    if (options.port !== 0 && port !== options.port) {
      notes.push(`port ${options.port} is in use: the gateway listens on ${port}`);
    }
    const origin = `${host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host}:${port}`;
    const facts: FleetFacts = {
      servers,
      dataDir,
      host,
      port,
      prefix: environment.LOOM_PREFIX,
      nodes: options.nodes,
      modelsDir: options.models ?? join(dataDir, "models"),
      frontEndRoot: options["front-end-root"],
      variables,
    };
    await update({
      gatewayUrl: `http://${origin}`,
      stompUrl: `ws://${origin}/stomp`,
      amqpUrl: servers.amqpUrl,
      redisUrl: servers.redisUrl,
      managementUrl: servers.managementUrl,
      notes,
    });
    await Promise.all([
      launch({ name: "gateway", kind: "gateway" }, gatewayProgram(facts)),
      startWorkers(facts, options.workers),
    ]);
    await waitUntilReady({
      url: `http://${origin}${options.workers > 0 ? "/readyz" : "/livez"}`,
      parts: () => [...running.values()].map(({ part }) => part),
      signal,
    });
    await update({ phase: "ready" });
    return {
      get state() {
        return state;
      },
      async setWorkers(count) {
        const workers = [...running.values()].filter(({ part }) => part.kind === "worker");
        for (const { part } of workers) if (part.exit !== undefined) running.delete(part.name);
        const live = workers.filter(({ part }) => part.exit === undefined);
        const surplus = live.slice(count);
        for (const entry of surplus) entry.isStopping = true;
        await startWorkers(facts, count, live.length);
        await Promise.all(surplus.map(({ child }) => child.stop(STOP_GRACE_MS)));
        for (const { part } of surplus) running.delete(part.name);
        await updateParts();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function newState(dataDir: string, prefix: string): Promise<FleetState> {
  const supervisor = await identifyProcess(process.pid);
  if (supervisor === undefined) throw new Error("cannot read this process's own start time");
  const unknown = { gatewayUrl: "", stompUrl: "", amqpUrl: "", redisUrl: "", managementUrl: "" };
  return {
    version: 1,
    phase: "starting",
    supervisor,
    startedAt: new Date().toISOString(),
    dataDir,
    prefix,
    ...unknown,
    parts: [],
    notes: [],
  };
}

interface ReadyWait {
  readonly url: string;
  readonly parts: () => readonly Part[];
  readonly signal: AbortSignal;
}

/** A job can run when the gateway says so. */
async function waitUntilReady({ url, parts, signal }: ReadyWait): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const dead = parts().find(({ exit }) => exit !== undefined);
    if (dead !== undefined) throw await failedStart(dead);
    const response = await fetch(url, { signal }).catch(() => undefined);
    const text = await response?.text();
    if (response?.ok) return;
    if (Date.now() > deadline) {
      const seconds = READY_TIMEOUT_MS / 1000;
      throw new Error(`${url} is not ready after ${seconds} s: ${text ?? "no answer"}`);
    }
    await delay(READY_POLL_MS, undefined, { signal });
  }
}

async function failedStart({ name, logFile, exit }: Part): Promise<Error> {
  const log = await readFile(logFile, "utf8").catch(() => "");
  return new Error(`${name} ended: ${exit}; ${logFile} ends with:\n${lastLines(log, 15)}`);
}

function describeExit({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`;
}
