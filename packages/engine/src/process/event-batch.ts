import type { EngineEvent } from "@rabbitloom/protocol";

/**
 * Bundles events that come in quick succession into one message, in order. The start of a node, and the
 * first event after a quiet moment, go out at once with all before them: what follows may hold the event loop for
 * seconds, or take the process down. What was found in the cache is known before the first node starts, and waits for it.
 */
export interface EventBatch {
  add(event: EngineEvent): void;
  /** Takes out what waits, to be sent with something else. */
  take(): EngineEvent[];
}

/** A message costs some 30 us; at one in two milliseconds that is 1.5 % of the time. */
const QUIET_MS = 2;

export function createEventBatch(send: (events: EngineEvent[]) => void): EventBatch {
  let waiting: EngineEvent[] = [];
  let lastSent = Number.NEGATIVE_INFINITY;
  let timer: NodeJS.Immediate | undefined;

  function take(): EngineEvent[] {
    if (timer !== undefined) clearImmediate(timer);
    timer = undefined;
    const events = waiting;
    waiting = [];
    return events;
  }

  function flush(): void {
    lastSent = performance.now();
    send(take());
  }

  function isUrgent({ type }: EngineEvent): boolean {
    if (type === "node-start") return true;
    return type !== "nodes-cached" && performance.now() - lastSent >= QUIET_MS;
  }

  return {
    take,
    add(event) {
      waiting.push(event);
      if (isUrgent(event)) flush();
      else timer ??= setImmediate(flush);
    },
  };
}
