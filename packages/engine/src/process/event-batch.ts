import type { EngineEvent } from "@rabbitloom/protocol";

/**
 * Bundles events that come in quick succession into one message, in order. The start of a node, and the
 * first event after a quiet moment, go out at once with all before them: what follows may hold the event loop for
 * seconds, or take the process down.
 */
export interface EventBatch {
  add(event: EngineEvent): void;
  flush(): void;
}

/** A message costs some 30 us; at one in two milliseconds that is 1.5 % of the time. */
const QUIET_MS = 2;

export function createEventBatch(send: (events: EngineEvent[]) => void): EventBatch {
  let waiting: EngineEvent[] = [];
  let lastSent = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Immediate | undefined;

  function flush(): void {
    if (timer !== undefined) clearImmediate(timer);
    timer = undefined;
    if (waiting.length === 0) return;
    const events = waiting;
    waiting = [];
    lastSent = performance.now();
    send(events);
  }

  return {
    flush,
    add(event) {
      waiting.push(event);
      if (event.type === "node-start" || performance.now() - lastSent >= QUIET_MS) flush();
      else timer ??= setImmediate(flush);
    },
  };
}
