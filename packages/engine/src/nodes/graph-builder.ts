import type { PromptNode } from "./context.ts";
import type { Link } from "./values.ts";

/** A graph in prompt form that a node returns as `expand`. */
export type ExpandGraph = Readonly<Record<string, PromptNode>>;

/** Builds the graph that a node expands to. Local ids count 1, 2, 3, ... or are given. */
export interface GraphBuilder {
  /** Adds a node, or returns the one that has this id already. */
  node(classType: string, inputs?: Readonly<Record<string, unknown>>, id?: string): BuiltNode;
  /** The node of a local id, if it was added. */
  find(id: string): BuiltNode | undefined;
  finalize(): ExpandGraph;
}

export interface BuiltNode {
  /** The full id: prefix and local id. */
  readonly id: string;
  out(slot: number): Link;
  /** Null or undefined removes the input. */
  setInput(name: string, value: unknown): void;
  input(name: string): unknown;
  /** The id that progress is shown under; by default the expanding node. */
  setDisplayId(id: string): void;
}

/** Every id is `prefix` + local id; the caller makes the prefix unique: `<node>.<list index>.<graph number>.`. */
export function createGraphBuilder(prefix: string): GraphBuilder {
  const nodes = new Map<string, BuiltNode>();
  const graph: Record<string, { -readonly [K in keyof PromptNode]: PromptNode[K] }> = {};
  let count = 0;

  function node(
    classType: string,
    inputs: Readonly<Record<string, unknown>> = {},
    localId = String(count + 1),
  ): BuiltNode {
    const existing = nodes.get(localId);
    if (existing !== undefined) return existing;
    count += 1;
    const id = prefix + localId;
    const own: Record<string, unknown> = {};
    const added = { class_type: classType, inputs: own };
    graph[id] = added;
    const built: BuiltNode = {
      id,
      out: (slot) => [id, slot],
      setInput: (name, value) => {
        if (value === null || value === undefined) delete own[name];
        else own[name] = value;
      },
      input: (name) => own[name],
      setDisplayId: (displayId) => {
        graph[id] = { ...added, override_display_id: displayId };
      },
    };
    for (const [name, value] of Object.entries(inputs)) built.setInput(name, value);
    nodes.set(localId, built);
    return built;
  }

  return { node, find: (id) => nodes.get(id), finalize: () => graph };
}
