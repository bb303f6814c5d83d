import type { EventRoutes } from "../amqp/ports.ts";

/** Keeps routing words bound while somebody needs them, and a while longer: clients come back. */
export interface WordLeases {
  /** Resolves when the word is bound. */
  take(word: string): Promise<void>;
  /** Gives one `take` back. */
  release(word: string): void;
  close(): void;
}

interface Lease {
  count: number;
  readonly bound: Promise<void>;
  idle: NodeJS.Timeout | undefined;
}

export interface WordLeaseOptions {
  readonly routes: EventRoutes;
  readonly onError: (error: unknown) => void;
  /** Binding costs about a millisecond: most clients post again soon. @default 60_000 */
  readonly keepMs?: number;
}

export function wordLeases({ routes, onError, keepMs = 60_000 }: WordLeaseOptions): WordLeases {
  const leases = new Map<string, Lease>();

  function open(word: string): Lease {
    const bound = routes.bind(word);
    const lease: Lease = { count: 0, bound, idle: undefined };
    leases.set(word, lease);
    // The next taker tries again.
    bound.catch(() => {
      if (leases.get(word) === lease) leases.delete(word);
    });
    return lease;
  }

  return {
    take(word) {
      const lease = leases.get(word) ?? open(word);
      clearTimeout(lease.idle);
      lease.count += 1;
      return lease.bound;
    },
    release(word) {
      const lease = leases.get(word);
      if (lease === undefined) return;
      lease.count -= 1;
      if (lease.count > 0) return;
      lease.idle = setTimeout(() => {
        leases.delete(word);
        routes.unbind(word).catch(onError);
      }, keepMs);
      lease.idle.unref();
    },
    close() {
      for (const { idle } of leases.values()) clearTimeout(idle);
      leases.clear();
    },
  };
}
