import { setTimeout as delay } from "node:timers/promises";
import type { FleetCatalog, JobStore } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";

export type KnownCatalog = FleetCatalog & { readonly digest: string };

/** The fleet's nodes and models, held here so that validation costs no round trip. */
export interface CatalogCache extends Disposable {
  /** Undefined until a first worker has announced itself. */
  readonly current: KnownCatalog | undefined;
  /** The catalog, looked for once more where there is none. Throws NO_WORKER or STORE_UNAVAILABLE. */
  require(): Promise<KnownCatalog>;
  /** Looks whether the fleet knows more by now. True where something has changed. */
  refresh(): Promise<boolean>;
  /** Called with each new catalog. */
  onChange(listener: (catalog: KnownCatalog) => void): Disposable;
}

export interface CatalogCacheOptions {
  readonly store: Pick<JobStore, "catalog">;
  readonly onError: (error: unknown) => void;
  /** @default 2_000 */
  readonly everyMs?: number;
}

export function catalogCache({
  store,
  onError,
  everyMs = 2_000,
}: CatalogCacheOptions): CatalogCache {
  const stopped = new AbortController();
  const listeners = new Set<(catalog: KnownCatalog) => void>();
  let current: KnownCatalog | undefined;
  let looking: Promise<boolean> | undefined;

  /** The store answers at once where nothing has changed. */
  async function look(): Promise<boolean> {
    const found = await store.catalog();
    if (found === undefined || found.digest === current?.digest) return false;
    current = found;
    for (const listener of listeners) listener(found);
    return true;
  }

  function refresh(): Promise<boolean> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  async function keepLooking(): Promise<void> {
    while (!stopped.signal.aborted) {
      await refresh().catch(onError);
      await delay(everyMs, undefined, { signal: stopped.signal, ref: false }).catch(() => {});
    }
  }
  void keepLooking();

  return {
    get current() {
      return current;
    },
    async require() {
      if (current === undefined) await refresh();
      if (current === undefined) {
        throw new CodedError("NO_WORKER", "no worker has announced its nodes yet: try again soon");
      }
      return current;
    },
    refresh,
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]: () => stopped.abort(),
  };
}
