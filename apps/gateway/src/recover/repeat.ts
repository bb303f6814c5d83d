import { setTimeout as delay } from "node:timers/promises";

/** Runs `task` again and again, each time so long after it has ended; disposing waits for the one under way. */
export function repeat(everyMs: number, task: () => Promise<void>): AsyncDisposable {
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await delay(everyMs, undefined, { signal: stopping.signal, ref: false }).catch(() => {});
      if (!stopping.signal.aborted) await task();
    }
  })();
  return {
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
}
