/** Decides when the state of all nodes is worth saying again. */
export interface StateThrottle {
  /** Asked at each change; true where the state is to be sent now. */
  isDue(nodeCount: number): boolean;
  /** True where the last change was not sent. */
  hasHeldBack(): boolean;
}

/**
 * Up to this many nodes, each change sends the state, exactly as ComfyUI does: 32 nodes make some 64 messages of at
 * most 6 KB. Above, 202 nodes would make 8.1 MB a job, so that it is sent at most every 100 ms.
 */
const ALWAYS_UP_TO_NODES = 32;
const OFTEN_MS = 100;

export function stateThrottle(now: () => number): StateThrottle {
  let sentAt = Number.NEGATIVE_INFINITY;
  let heldBack = false;
  return {
    isDue(nodeCount) {
      const time = now();
      const isDue = nodeCount <= ALWAYS_UP_TO_NODES || time - sentAt >= OFTEN_MS;
      heldBack = !isDue;
      if (isDue) sentAt = time;
      return isDue;
    },
    hasHeldBack: () => heldBack,
  };
}
