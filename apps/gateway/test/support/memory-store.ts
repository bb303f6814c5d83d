import type { Cancellation, FleetCatalog, JobOutcome, JobRecord, JobStore } from "@rabbitloom/jobs";
import {
  CodedError,
  isTerminal,
  type JobView,
  type TerminalState,
  type WorkerRegistration,
} from "@rabbitloom/protocol";

type Stored = { -readonly [Key in keyof JobRecord]: JobRecord[Key] };

/** A JobStore in memory, with what a test may need to set. */
export interface MemoryStore extends JobStore {
  catalogNow: (FleetCatalog & { readonly digest: string }) | undefined;
  workersNow: WorkerRegistration[];
  /** Every call throws STORE_UNAVAILABLE while it is true. */
  isDown: boolean;
  /** Ids that were known once. */
  readonly expired: Set<string>;
  start(jobId: string): void;
  end(jobId: string, outcome: Partial<JobOutcome> & { readonly state: TerminalState }): void;
}

/** Keeps to the interface's promises as the gateway uses them; claims and file names are a worker's business. */
export function memoryStore(): MemoryStore {
  const jobs = new Map<string, Stored>();
  const listeners = new Set<(size: number) => void>();
  const streams = new Set<string>();
  let number = 0;

  const open = () => [...jobs.values()].filter(({ state }) => !isTerminal(state));
  const changed = () => {
    for (const listener of listeners) listener(open().length);
  };
  const check = () => {
    if (store.isDown) throw new CodedError("STORE_UNAVAILABLE", "Redis cannot be reached");
  };
  const byNumber = (state: string) =>
    [...jobs.values()].filter((job) => job.state === state).sort((a, b) => a.number - b.number);
  const find = (id: string) => {
    check();
    if (store.expired.has(id)) throw new CodedError("JOB_EXPIRED", `job ${id} is no longer kept`);
    return jobs.get(id);
  };
  const notHere = () => Promise.reject(new Error("not part of the gateway's store"));

  const store: MemoryStore = {
    catalogNow: undefined,
    workersNow: [],
    isDown: false,
    expired: new Set(),
    start(jobId) {
      const job = jobs.get(jobId);
      if (job === undefined) throw new Error(`no job ${jobId}`);
      Object.assign(job, { state: "running", attempt: 1, startedAt: new Date().toISOString() });
      changed();
    },
    end(jobId, { state, outputs = {}, error, lastSeq = 1, history }) {
      const job = jobs.get(jobId);
      if (job === undefined) throw new Error(`no job ${jobId}`);
      const endedAt = new Date().toISOString();
      Object.assign(job, { state, outputs, error, lastSeq, history, endedAt });
      changed();
    },
    async submit({ message, number: wanted, front }) {
      check();
      if (jobs.has(message.jobId)) {
        throw new CodedError("CONFLICT", `job ${message.jobId} is there already`);
      }
      const next = number++;
      const { jobId, lane, pool, clientId, prompt, extraData, targets, gatewayId } = message;
      jobs.set(jobId, {
        id: jobId,
        state: "pending",
        attempt: 0,
        lane,
        pool,
        lastSeq: 0,
        submittedAt: new Date().toISOString(),
        number: wanted ?? (front ? -next : next),
        prompt,
        extraData,
        isAnnounced: false,
        ...(clientId !== undefined && { clientId }),
        ...(targets !== undefined && { targets }),
        ...(gatewayId !== undefined && { gatewayId }),
      });
      changed();
      return { number: wanted ?? (front ? -next : next) };
    },
    async withdraw(jobId) {
      const isPending = jobs.get(jobId)?.state === "pending";
      if (isPending) jobs.delete(jobId);
      changed();
      return isPending;
    },
    async cancel(jobId): Promise<Cancellation> {
      check();
      const job = jobs.get(jobId);
      if (job === undefined) return { found: "unknown", wasRunning: false, attempt: 0 };
      const found = job.state;
      if (found === "pending") {
        Object.assign(job, {
          state: "cancelled",
          attempt: job.attempt + 1,
          lastSeq: 1,
          endedAt: new Date().toISOString(),
        });
        changed();
      }
      const { attempt, gatewayId } = job;
      return {
        found,
        wasRunning: found === "running",
        attempt,
        ...(gatewayId !== undefined && { gatewayId }),
      };
    },
    async noteAnnounced(jobId) {
      const job = jobs.get(jobId);
      if (job !== undefined) job.isAnnounced = true;
    },
    find: async (id) => find(id),
    view: async (id) => find(id) && viewOf(find(id)),
    async list({ states, limit = 100, offset = 0 } = {}) {
      check();
      const all = [...jobs.values()]
        .filter(({ state }) => states === undefined || states.includes(state))
        .reverse();
      return { jobs: all.slice(offset, offset + limit), total: all.length };
    },
    async queue() {
      check();
      return { running: byNumber("running"), pending: byNumber("pending") };
    },
    async queueSize() {
      check();
      return open().length;
    },
    async history({ maxItems, offset } = {}) {
      check();
      const ended = [...jobs.values()].filter(({ state }) => isTerminal(state));
      const first = offset ?? (maxItems === undefined ? 0 : Math.max(0, ended.length - maxItems));
      return ended.slice(first, maxItems === undefined ? undefined : first + maxItems);
    },
    async forget(ids) {
      for (const id of ids) jobs.delete(id);
    },
    async forgetAllEnded() {
      for (const [id, { state }] of jobs) if (isTerminal(state)) jobs.delete(id);
    },
    onQueueChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    noteStream: async (id) => void streams.add(id),
    forgetStream: async (id) => void streams.delete(id),
    streams: async () => [...streams],
    async workers() {
      check();
      return store.workersNow;
    },
    async catalog() {
      check();
      return store.catalogNow;
    },
    ping: async () => check(),
    claim: notHere,
    reportProgress: notHere,
    release: notHere,
    finish: notHere,
    bury: notHere,
    allocateNumbers: notHere,
    announce: notHere,
    retire: notHere,
    [Symbol.asyncDispose]: async () => {},
  };
  return store;
}

function viewOf(job: JobRecord | undefined): JobView | undefined {
  if (job === undefined) return undefined;
  const { number, prompt, extraData, isAnnounced, targets, gatewayId, history, ...view } = job;
  return view;
}
