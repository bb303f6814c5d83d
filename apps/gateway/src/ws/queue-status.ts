import type { JobStore } from "@rabbitloom/jobs";

/** How many jobs wait or run in the whole fleet. */
export interface QueueStatus extends Disposable {
  /** As last heard. */
  readonly remaining: number;
  /** Grows with each change that was heard. */
  readonly version: number;
  /** Asks the store; everybody who asks while a question is on its way shares the next one. */
  refresh(): Promise<number>;
  onChange(listener: () => void): Disposable;
}

export function queueStatus(store: Pick<JobStore, "queueSize" | "onQueueChange">): QueueStatus {
  const listeners = new Set<() => void>();
  let remaining = 0;
  let version = 0;
  let asking: Promise<number> | undefined;
  let askingNext: Promise<number> | undefined;

  const subscription = store.onQueueChange((size) => {
    remaining = size;
    version += 1;
    for (const listener of listeners) listener();
  });

  async function ask(): Promise<number> {
    remaining = await store.queueSize();
    return remaining;
  }

  return {
    get remaining() {
      return remaining;
    },
    get version() {
      return version;
    },
    refresh() {
      if (asking === undefined) {
        asking = ask().finally(() => {
          asking = undefined;
        });
        return asking;
      }
      // The question on its way may have been answered before what this caller knows of happened.
      askingNext ??= asking
        .catch(() => {})
        .then(() => {
          askingNext = undefined;
          return this.refresh();
        });
      return askingNext;
    },
    onChange(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  };
}
