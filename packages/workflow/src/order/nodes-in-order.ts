import { isLink } from "../prompt/link.ts";

export type NodeOrder =
  /** What the outputs need and the outputs themselves, sources before users, each once. */
  | { readonly order: readonly string[] }
  /** Ids along a circle of links; the first is also the last. */
  | { readonly cycle: readonly string[] };

interface PromptGraph {
  readonly [id: string]: { readonly inputs?: Readonly<Record<string, unknown>> | undefined };
}

/**
 * Puts the nodes that the outputs need in an order in which they can run, over all links, declared or not. Links to nodes
 * that are not there are skipped. Needs no stack of calls, so depth does not matter.
 */
export function nodesInOrder(prompt: PromptGraph, outputs: Iterable<string>): NodeOrder {
  const order: string[] = [];
  const finished = new Set<string>();
  const path: { readonly id: string; readonly sources: string[] }[] = [];
  const onPath = new Set<string>();

  for (const output of outputs) {
    enter(output);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const source = top.sources.pop();
      if (source === undefined) {
        path.pop();
        onPath.delete(top.id);
        finished.add(top.id);
        order.push(top.id);
      } else if (onPath.has(source)) {
        const start = path.findIndex(({ id }) => id === source);
        return { cycle: [...path.slice(start).map(({ id }) => id), source] };
      } else {
        enter(source);
      }
    }
  }
  return { order };

  function enter(id: string): void {
    const node = Object.hasOwn(prompt, id) ? prompt[id] : undefined;
    if (node === undefined || finished.has(id)) return;
    const sources = Object.values(node.inputs ?? {}).flatMap((value) =>
      isLink(value) ? [value[0]] : [],
    );
    path.push({ id, sources: sources.reverse() });
    onPath.add(id);
  }
}
