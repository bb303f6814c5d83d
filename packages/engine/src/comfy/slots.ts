import { unlessAborted } from "../execute/gate.ts";

/** Lets so many pieces of work run at once; the others wait in the order they came. */
export interface Slots {
  use<Result>(signal: AbortSignal, work: () => Promise<Result>): Promise<Result>;
}

export function createSlots(count: number): Slots {
  let free = count;
  const waiting = new Set<() => void>();

  function leave(): void {
    free += 1;
    const [next] = waiting;
    if (next === undefined) return;
    waiting.delete(next);
    free -= 1;
    next();
  }

  async function enter(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (free > 0) {
      free -= 1;
      return;
    }
    let admit = () => {};
    const admitted = new Promise<void>((resolve) => {
      admit = resolve;
    });
    waiting.add(admit);
    try {
      await unlessAborted(admitted, signal);
    } catch (cause) {
      // Cancelled in the moment it was let in: the slot goes to the next.
      if (!waiting.delete(admit)) leave();
      throw cause;
    }
  }

  return {
    async use(signal, work) {
      await enter(signal);
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}
