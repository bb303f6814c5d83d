import type { JobStore } from "@rabbitloom/jobs";
import type { WorkerRegistration } from "@rabbitloom/protocol";
import type { Logger } from "pino";
import type { DigestedCatalog } from "./catalog.ts";

export interface RegistrationOptions {
  readonly store: Pick<JobStore, "announce" | "retire">;
  readonly log: Logger;
  /** What is true of the worker now, but for the time. */
  readonly describe: () => Omit<WorkerRegistration, "v" | "heartbeatAt" | "catalogDigest">;
  readonly readCatalog: () => Promise<DigestedCatalog>;
}

/** The worker's entry in the fleet's register, kept alive. */
export interface Registration extends AsyncDisposable {
  /** Looks at nodes and models again and announces what has changed. An idle worker does so now and then by itself. */
  refresh(): Promise<void>;
  /** Announces the worker's state now rather than at the next beat. */
  touch(): Promise<void>;
}

/**
 * A third of the time after which a silent worker counts as gone. Measured by a clock that nobody sets: else a worker
 * whose clock was set back would be silent for as long.
 */
const BEAT_MS = 4_000;
/** A change of state shows after at most this long. */
const LOOK_MS = 1_000;
/** A model file that was put into its folder shows after at most this long. */
const CATALOG_MS = 30_000;

export async function register(options: RegistrationOptions): Promise<Registration> {
  const { store, log, describe } = options;
  let catalog = await options.readCatalog();
  let lastState = "";
  let lastBeatMs = -Infinity;
  let lastCatalogMs = performance.now();
  let isOver = false;

  async function announce(withCatalog: boolean): Promise<void> {
    const facts = describe();
    lastState = stateOf(facts);
    lastBeatMs = performance.now();
    const heartbeatAt = new Date().toISOString();
    const registration = { ...facts, v: 1 as const, heartbeatAt, catalogDigest: catalog.digest };
    const { nodes, models } = catalog;
    const isKnown = await store.announce(registration, withCatalog ? { nodes, models } : undefined);
    // Redis may have been emptied.
    if (!isKnown) await store.announce(registration, { nodes, models });
  }

  async function refresh(): Promise<void> {
    lastCatalogMs = performance.now();
    const { digest } = catalog;
    catalog = await options.readCatalog();
    if (catalog.digest !== digest) await announce(true);
  }

  async function beat(): Promise<void> {
    if (performance.now() - lastCatalogMs >= CATALOG_MS && describe().state === "idle")
      await refresh();
    const isDue = performance.now() - lastBeatMs >= BEAT_MS || stateOf(describe()) !== lastState;
    if (isDue) await announce(false);
  }

  const tellOf = (err: unknown) => log.warn({ err }, "could not announce this worker");
  await announce(true);
  const timer = setInterval(() => void beat().catch(tellOf), LOOK_MS);

  return {
    refresh,
    touch: () => announce(false),
    async [Symbol.asyncDispose]() {
      if (isOver) return;
      isOver = true;
      clearInterval(timer);
      await store.retire(describe().workerId).catch(tellOf);
    },
  };
}

function stateOf({ state, jobId }: Pick<WorkerRegistration, "state" | "jobId">): string {
  return `${state} ${jobId ?? ""}`;
}
