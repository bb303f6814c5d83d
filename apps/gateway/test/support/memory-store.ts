import type {
  AssetRecord,
  Cancellation,
  FleetCatalog,
  JobOutcome,
  JobRecord,
  JobStore,
  Reach,
} from "@rabbitloom/jobs";
import {
  CodedError,
  isTerminal,
  type JobView,
  type TerminalState,
  type WorkerRegistration,
} from "@rabbitloom/protocol";
import { memoryKeyRing } from "./memory-key-ring.ts";
import { memoryKeys } from "./memory-keys.ts";

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
  const idempotency = memoryKeys();
  const jobs = new Map<string, Stored>();
  const assets = new Map<string, AssetRecord>();
  const listeners = new Set<(size: number) => void>();
  const streams = new Set<string>();
  /** Ids that somebody was told are taken. */
  const promised = new Set<string>();
  const leases = new Map<string, { readonly holder: string; readonly until: number }>();
  let number = 0;

  const open = () => [...jobs.values()].filter(({ state }) => !isTerminal(state));
  const changed = () => {
    for (const listener of listeners) listener(open().length);
  };
  const check = () => {
    if (store.isDown) throw new CodedError("STORE_UNAVAILABLE", "Redis cannot be reached");
  };
  const byNumber = (reach: Reach, state: string) =>
    inReach(reach)
      .filter((job) => job.state === state)
      .sort((a, b) => a.number - b.number);
  const reaches = (reach: Reach, { tenant }: JobView) =>
    reach === "every-tenant" || reach.tenant === tenant;
  const inReach = (reach: Reach) => [...jobs.values()].filter((job) => reaches(reach, job));
  const find = (reach: Reach, id: string) => {
    check();
    if (store.expired.has(id)) throw new CodedError("JOB_EXPIRED", `job ${id} is no longer kept`);
    const job = jobs.get(id);
    return job && reaches(reach, job) ? job : undefined;
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
    async submit({ message, number: wanted, front, reply }) {
      check();
      if (jobs.has(message.jobId)) {
        promised.add(message.jobId);
        throw new CodedError("CONFLICT", `job ${message.jobId} is there already`);
      }
      const next = number++;
      const { jobId, tenant, lane, pool, clientId, prompt, extraData, targets, gatewayId, tags } =
        message;
      jobs.set(jobId, {
        id: jobId,
        tenant,
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
        ...(tags !== undefined && { tags }),
        ...(targets !== undefined && { targets }),
        ...(gatewayId !== undefined && { gatewayId }),
        ...(reply !== undefined && { reply }),
      });
      changed();
      return {
        number: wanted ?? (front ? -next : next),
        isQueueClosing: false,
        hasOldStream: streams.has(jobId),
      };
    },
    async withdraw({ jobId }) {
      const isTakenBack = jobs.get(jobId)?.state === "pending" && !promised.has(jobId);
      if (isTakenBack) jobs.delete(jobId);
      changed();
      return isTakenBack;
    },
    async promise(reach, jobId) {
      if (find(reach, jobId) === undefined) return false;
      promised.add(jobId);
      return true;
    },
    async cancel(reach, jobId): Promise<Cancellation> {
      const job = find(reach, jobId);
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
    find: async (reach, id) => find(reach, id),
    view: async (reach, id) => viewOf(find(reach, id)),
    async list(reach, { states, tags = [], limit = 100, offset = 0 } = {}) {
      check();
      const all = inReach(reach)
        .filter(({ state }) => states === undefined || states.includes(state))
        .filter((job) => tags.every((tag) => job.tags?.includes(tag)))
        .reverse();
      return { jobs: all.slice(offset, offset + limit), total: all.length };
    },
    async queue(reach) {
      check();
      return { running: byNumber(reach, "running"), pending: byNumber(reach, "pending") };
    },
    async queueSize() {
      check();
      return open().length;
    },
    async history(reach, { maxItems, offset } = {}) {
      check();
      const ended = inReach(reach).filter(({ state }) => isTerminal(state));
      const first = offset ?? (maxItems === undefined ? 0 : Math.max(0, ended.length - maxItems));
      return ended.slice(first, maxItems === undefined ? undefined : first + maxItems);
    },
    async forget(reach, ids) {
      for (const id of ids) if (find(reach, id) !== undefined) jobs.delete(id);
    },
    async forgetAllEnded(reach) {
      for (const { id, state } of inReach(reach)) if (isTerminal(state)) jobs.delete(id);
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
    async lease(name, holder, ttlMs) {
      const held = leases.get(name);
      if (held !== undefined && held.holder !== holder && held.until > Date.now()) return false;
      leases.set(name, { holder, until: Date.now() + ttlMs });
      return true;
    },
    expire: async () => [],
    unsaid: async () => [],
    unsaidEnd: async () => undefined,
    attempts: async () => [],
    waiting: async () => ({ jobs: [] }),
    remembersSince: async () => new Date(0).toISOString(),
    isAttemptAlive: notHere,
    requeue: async () => {},
    takeBack: notHere,
    keys: memoryKeyRing(),
    countRequest: notHere,
    ...idempotency,
    takeKey: async (request) => {
      check();
      return idempotency.takeKey(request);
    },
    takeWebhooks: async () => [],
    settleWebhook: notHere,
    webhookLog: async () => ({ nextAt: undefined, deliveries: [] }),
    takeTurn: notHere,
    returnTurn: notHere,
    noteTenantQueue: notHere,
    tenantQueues: async () => ({ isRead: true, queues: [] }),
    setTurns: async () => {},
    closeTenantQueue: notHere,
    forgetTenantQueue: notHere,
    muteTenantQueue: notHere,
    ping: async () => check(),
    keepMs: 86_400_000,
    // Bytes are not looked for by their hash: a record of known bytes alone finds none.
    addAsset: async ({
      storedAs,
      sizeBytes = 0,
      contentType = "",
      tags = [],
      keepMs: _,
      ...facts
    }) => {
      if (storedAs === undefined) return undefined;
      const createdAt = new Date().toISOString();
      const asset = { ...facts, storedAs, sizeBytes, contentType, tags, createdAt };
      assets.set(asset.id, asset);
      return { asset, isNewRecord: true, isNewBlob: true };
    },
    findAsset: async (tenant, id) => {
      const asset = assets.get(id);
      return asset?.tenant === tenant ? asset : undefined;
    },
    hasBlob: async () => false,
    removeAsset: async () => false,
    sweepAssets: async () => [],
    forgetBlob: async () => {},
    claim: notHere,
    reportProgress: notHere,
    release: notHere,
    finish: notHere,
    bury: notHere,
    refuse: notHere,
    allocateNumbers: notHere,
    leftovers: notHere,
    forgetLeftover: notHere,
    announce: notHere,
    retire: notHere,
    [Symbol.asyncDispose]: async () => {},
  };
  return store;
}

function viewOf(job: JobRecord | undefined): JobView | undefined {
  if (job === undefined) return undefined;
  const { number, prompt, extraData, isAnnounced, targets, gatewayId, reply, history, ...view } =
    job;
  return view;
}
