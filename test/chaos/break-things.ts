import { setTimeout as delay } from "node:timers/promises";
import { type Fault, faultPlan, type Ground } from "./faults.ts";
import type { Random } from "./random.ts";

export interface Breaking {
  /** How often each fault has struck so far. */
  readonly struck: Readonly<Record<string, number>>;
  /** Names of the faults that are not over yet. */
  readonly lasting: readonly string[];
  /** Every fault has struck once at least. */
  readonly isRoundOver: boolean;
  /** Aborted with the reason when a fault could not be undone, such as a server that does not start any more. */
  readonly failed: AbortSignal;
  /** Begins nothing more; resolves when everything that was broken is whole again. Rejects where it cannot be. */
  stop(): Promise<void>;
}

export interface BreakingOptions {
  readonly faults: readonly Fault[];
  readonly random: Random;
  readonly print: (line: string) => void;
}

/** So many at once, at most. */
const MOST_AT_ONCE = 3;

/** Strikes one fault after another until told to stop. */
export function breakThings(ground: Ground, { faults, random, print }: BreakingOptions): Breaking {
  const stopping = new AbortController();
  const failed = new AbortController();
  const struck: Record<string, number> = Object.fromEntries(faults.map(({ name }) => [name, 0]));
  const over = new Set<string>();
  const lasting = new Map<Promise<void>, string>();

  async function strike(fault: Fault): Promise<void> {
    struck[fault.name] = (struck[fault.name] ?? 0) + 1;
    try {
      await fault.strike(ground, random);
      over.add(fault.name);
    } catch (error) {
      print(`${fault.name} could not be undone: ${error}`);
      failed.abort(error);
    }
  }

  async function run(): Promise<void> {
    for (const fault of faultPlan(faults, random)) {
      await delay(random.between(100, 1_500), undefined, { signal: stopping.signal }).catch(
        () => {},
      );
      if (stopping.signal.aborted || failed.signal.aborted) break;
      if (fault.isAlone) await Promise.all(lasting.keys());
      const striking = strike(fault);
      lasting.set(striking, fault.name);
      void striking.finally(() => lasting.delete(striking));
      if (fault.isAlone) await striking;
      if (lasting.size >= MOST_AT_ONCE) await Promise.race(lasting.keys());
    }
    await Promise.all(lasting.keys());
  }
  const running = run();

  return {
    struck,
    get lasting() {
      return [...lasting.values()];
    },
    get isRoundOver() {
      return over.size === faults.length;
    },
    failed: failed.signal,
    async stop() {
      stopping.abort();
      await running;
      failed.signal.throwIfAborted();
    },
  };
}
