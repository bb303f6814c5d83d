/**
 * Decides which node runs next. A node waits until the nodes it depends on are done; among those that
 * wait for nothing, output nodes and async ones go first (people see pictures early, waits overlap), then nodes
 * that feed an output, then nodes two steps before one, then the others; ties go by order of arrival.
 */
export interface Schedule {
  /** Adds a node and everything it depends on that is not done yet. */
  add(id: string): void;
  /** Makes `to` wait for `from`, which is added if need be. */
  addDependency(from: string, to: string): void;
  /** Takes the next node that may run. */
  next(): string | undefined;
  /** Puts a taken node back: it runs again when what it waits for is done. */
  putBack(id: string): void;
  complete(id: string): void;
  readonly pending: number;
  /** Nodes that wait for each other in a circle, in order; call it when nothing is ready. */
  findCycle(): string[];
}

export interface ScheduleOptions {
  /** Nodes that must be done first; lazy links are not among them. */
  dependencies(id: string): Iterable<string>;
  isDone(id: string): boolean;
  isOutput(id: string): boolean;
  isAsync(id: string): boolean;
}

interface Waiting {
  readonly id: string;
  readonly order: number;
  readonly waitsFor: Set<string>;
  readonly blocks: Set<Waiting>;
  feedsOutput: boolean;
  isTaken: boolean;
}

export function createSchedule(options: ScheduleOptions): Schedule {
  const waiting = new Map<string, Waiting>();
  // One queue a rank, ordered by arrival.
  const ready = [createHeap(), createHeap(), createHeap(), createHeap()];
  let arrivals = 0;

  function add(first: string): void {
    const found: Waiting[] = [];
    const stack = [first];
    while (stack.length > 0) {
      const id = stack.pop();
      if (id === undefined || waiting.has(id)) continue;
      arrivals += 1;
      const node: Waiting = {
        id,
        order: arrivals,
        waitsFor: new Set(),
        blocks: new Set(),
        feedsOutput: false,
        isTaken: false,
      };
      waiting.set(id, node);
      found.push(node);
      for (const source of options.dependencies(id)) {
        if (!options.isDone(source)) stack.push(source);
      }
    }
    for (const node of found) {
      for (const source of options.dependencies(node.id)) link(source, node);
    }
    for (const node of found) if (node.waitsFor.size === 0) makeReady(node);
  }

  function link(from: string, to: Waiting): void {
    const source = waiting.get(from);
    if (source === undefined) return;
    source.blocks.add(to);
    to.waitsFor.add(from);
    if (options.isOutput(to.id)) source.feedsOutput = true;
  }

  function makeReady(node: Waiting): void {
    ready[rank(node)]?.push(node);
  }

  function rank(node: Waiting): number {
    if (options.isOutput(node.id) || options.isAsync(node.id)) return 0;
    if (node.feedsOutput) return 1;
    for (const blocked of node.blocks) if (blocked.feedsOutput) return 2;
    return 3;
  }

  return {
    add,
    addDependency(from, to) {
      if (!options.isDone(from)) add(from);
      const node = waiting.get(to);
      if (node !== undefined) link(from, node);
    },
    next() {
      for (const heap of ready) {
        for (let node = heap.pop(); node !== undefined; node = heap.pop()) {
          // Stale where a dependency came after the node was ready; it is queued again when that is done.
          if (node.waitsFor.size > 0 || node.isTaken || !waiting.has(node.id)) continue;
          node.isTaken = true;
          return node.id;
        }
      }
      return undefined;
    },
    putBack(id) {
      const node = waiting.get(id);
      if (node === undefined) return;
      node.isTaken = false;
      if (node.waitsFor.size === 0) makeReady(node);
    },
    complete(id) {
      const node = waiting.get(id);
      if (node === undefined) return;
      waiting.delete(id);
      for (const blocked of node.blocks) {
        blocked.waitsFor.delete(id);
        if (blocked.waitsFor.size === 0 && !blocked.isTaken) makeReady(blocked);
      }
    },
    get pending() {
      return waiting.size;
    },
    findCycle() {
      const path = new Map<string, number>();
      let id = waiting.keys().next().value;
      while (id !== undefined && !path.has(id)) {
        path.set(id, path.size);
        id = waiting.get(id)?.waitsFor.values().next().value;
      }
      if (id === undefined) return [];
      return [...path.keys()].slice(path.get(id)).reverse();
    },
  };
}

/** A binary heap by `order`. */
function createHeap() {
  const items: Waiting[] = [];
  function isBefore(a: number, b: number): boolean {
    return (items[a]?.order ?? Infinity) < (items[b]?.order ?? Infinity);
  }
  function swap(a: number, b: number): void {
    const [first, second] = [items[a], items[b]];
    if (first === undefined || second === undefined) return;
    items[a] = second;
    items[b] = first;
  }
  return {
    push(item: Waiting): void {
      items.push(item);
      let at = items.length - 1;
      while (at > 0) {
        const above = (at - 1) >> 1;
        if (!isBefore(at, above)) return;
        swap(at, above);
        at = above;
      }
    },
    pop(): Waiting | undefined {
      const top = items[0];
      const last = items.pop();
      if (top === undefined || last === undefined || items.length === 0) return top;
      items[0] = last;
      let at = 0;
      for (;;) {
        const left = 2 * at + 1;
        const least = isBefore(left + 1, left) ? left + 1 : left;
        if (!isBefore(least, at)) return top;
        swap(at, least);
        at = least;
      }
    },
  };
}
