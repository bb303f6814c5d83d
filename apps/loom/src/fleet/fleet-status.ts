import { openJobStore } from "@rabbitloom/jobs";
import type { WorkerRegistration } from "@rabbitloom/protocol";
import { currentFleet } from "./current-fleet.ts";
import { isAlive } from "./process-identity.ts";
import type { FleetState, Part } from "./state.ts";

export interface WorkerStatus {
  /** As the fleet's registry names it. */
  readonly id: string;
  readonly part: string;
  readonly pid: number;
  /** starting: lives and has not announced itself. dead: ended without being told to. */
  readonly state: "starting" | "idle" | "busy" | "draining" | "dead";
  readonly exit?: string;
  readonly jobId?: string;
}

export interface PartStatus {
  readonly name: string;
  readonly pid: number;
  readonly state: "running" | "dead";
  readonly exit?: string;
}

/** What `./loom status --json` prints. Addresses are null while nothing is up; some hold passwords. */
export interface FleetStatus {
  /** orphaned: the process that looked after the others was killed; `./loom down` still stops them. */
  readonly phase: "down" | "starting" | "ready" | "stopping" | "orphaned";
  readonly gateway: string | null;
  /** The gateway's STOMP endpoint for browsers. */
  readonly stomp: string | null;
  readonly amqp: string | null;
  readonly redis: string | null;
  readonly management: string | null;
  readonly data: string;
  readonly prefix: string | null;
  readonly startedAt: string | null;
  readonly supervisor: number | null;
  readonly workers: readonly WorkerStatus[];
  readonly parts: readonly PartStatus[];
  readonly notes: readonly string[];
}

export async function fleetStatus(dataDir: string): Promise<FleetStatus> {
  const fleet = await currentFleet(dataDir);
  if (fleet === undefined) {
    const nothing = { gateway: null, stomp: null, amqp: null, redis: null, management: null };
    const facts = { prefix: null, startedAt: null, supervisor: null };
    return {
      phase: "down",
      ...nothing,
      data: dataDir,
      ...facts,
      workers: [],
      parts: [],
      notes: [],
    };
  }
  const { state, isSupervised } = fleet;
  const registered = await registeredWorkers(state);
  const isWorker = ({ kind }: Part) => kind === "worker";
  return {
    phase: isSupervised ? state.phase : "orphaned",
    gateway: state.gatewayUrl || null,
    stomp: state.stompUrl || null,
    amqp: state.amqpUrl || null,
    redis: state.redisUrl || null,
    management: state.managementUrl || null,
    data: dataDir,
    prefix: state.prefix,
    startedAt: state.startedAt,
    supervisor: state.supervisor.pid,
    workers: await Promise.all(
      state.parts.filter(isWorker).map((part) => workerStatus(part, registered)),
    ),
    parts: await Promise.all(state.parts.filter((part) => !isWorker(part)).map(partStatus)),
    notes: state.notes,
  };
}

async function partStatus({ name, process, exit }: Part): Promise<PartStatus> {
  const state = (await isAlive(process)) ? "running" : "dead";
  return { name, pid: process.pid, state, ...(exit !== undefined && { exit }) };
}

async function workerStatus(
  part: Part,
  registered: readonly WorkerRegistration[],
): Promise<WorkerStatus> {
  const { name, pid, state, exit } = await partStatus(part);
  const word = registered.find((worker) => worker.pid === pid);
  return {
    id: part.workerId ?? name,
    part: name,
    pid,
    state: state === "dead" ? "dead" : (word?.state ?? "starting"),
    ...(exit !== undefined && { exit }),
    ...(word?.jobId !== undefined && { jobId: word.jobId }),
  };
}

/** Nobody, where Redis cannot be asked: then processes are all that is known. */
async function registeredWorkers(state: FleetState): Promise<readonly WorkerRegistration[]> {
  if (state.redisUrl === "") return [];
  try {
    const options = { url: state.redisUrl, prefix: state.prefix, name: "loom-cli", waitMs: 2_000 };
    await using store = await openJobStore(options);
    return await store.workers();
  } catch {
    return [];
  }
}
