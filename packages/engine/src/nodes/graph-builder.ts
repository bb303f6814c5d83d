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
  const graph: Record<string, PromptNode> = {};
  let nextId = 1;

  function add(
    classType: string,
    given: Readonly<Record<string, unknown>>,
    localId: string,
  ): BuiltNode {
    const id = prefix + localId;
    const inputs: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(given)) {
      if (value !== undefined) inputs[name] = value;
    }
    graph[id] = { class_type: classType, inputs };
    const node: BuiltNode = {
      id,
      out: (slot) => [id, slot],
      setInput: (name, value) => {
        if (value === null || value === undefined) delete inputs[name];
        else inputs[name] = value;
      },
      input: (name) => inputs[name],
      setDisplayId: (displayId) => {
        graph[id] = { class_type: classType, inputs, override_display_id: displayId };
      },
    };
    nodes.set(localId, node);
    return node;
  }

  return {
    node: (classType, inputs = {}, id) => {
      const localId = id ?? String(nextId++);
      return nodes.get(localId) ?? add(classType, inputs, localId);
    },
    find: (id) => nodes.get(id),
    finalize: () => graph,
  };
}
