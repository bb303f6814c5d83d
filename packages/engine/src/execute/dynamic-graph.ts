import type { NodeReference, Prompt } from "@rabbitloom/protocol";
import { CodedError } from "@rabbitloom/protocol";
import type { DynamicPrompt, PromptNode } from "../nodes/context.ts";
import type { ExpandGraph } from "../nodes/graph-builder.ts";
import { isLink } from "../nodes/values.ts";

/** A prompt that grows while it runs: the user's nodes and those that expansions add. */
export interface DynamicGraph extends DynamicPrompt {
  find(id: string): PromptNode | undefined;
  /** Adds the nodes that `parentId` expanded to. Throws when one of the ids is taken. */
  addExpansion(parentId: string, expansion: ExpandGraph): void;
  /** How events name a node: ids that equal the node's own are left out. */
  reference(id: string): NodeReference;
}

interface Ephemeral {
  readonly node: PromptNode;
  readonly parentId: string;
  /** Resolved when the node is added, so that no lookup walks up the ancestors. */
  readonly displayId: string;
  readonly realId: string;
}

/** `maxNodes` stops expansions that never end. */
export function createDynamicGraph(prompt: Prompt, maxNodes: number): DynamicGraph {
  const ephemeral = new Map<string, Ephemeral>();

  function find(id: string): PromptNode | undefined {
    return Object.hasOwn(prompt, id) ? prompt[id] : ephemeral.get(id)?.node;
  }

  const graph: DynamicGraph = {
    find,
    has: (id) => find(id) !== undefined,
    node(id) {
      const node = find(id);
      if (node === undefined) {
        throw new CodedError("INVALID_PROMPT", `the graph has no node "${id}"`);
      }
      return node;
    },
    parentId: (id) => ephemeral.get(id)?.parentId ?? null,
    displayId: (id) => ephemeral.get(id)?.displayId ?? id,
    realId: (id) => ephemeral.get(id)?.realId ?? id,
    *ids() {
      yield* Object.keys(prompt);
      yield* ephemeral.keys();
    },
    addExpansion(parentId, expansion) {
      for (const [id, node] of Object.entries(expansion)) {
        if (find(id) !== undefined) {
          throw new CodedError(
            "NODE_FAILED",
            `the expansion of node "${parentId}" adds node "${id}", which exists already`,
          );
        }
        const shownAs = node.override_display_id ?? parentId;
        ephemeral.set(id, {
          node,
          parentId,
          displayId: graph.displayId(shownAs),
          realId: graph.realId(parentId),
        });
      }
      if (ephemeral.size > maxNodes) {
        throw new CodedError(
          "LIMIT_EXCEEDED",
          `expansions added ${ephemeral.size} nodes; at most ${maxNodes} are allowed`,
        );
      }
    },
    reference(id) {
      const added = ephemeral.get(id);
      if (added === undefined) return { nodeId: id };
      const { displayId, parentId, realId } = added;
      return {
        nodeId: id,
        ...(displayId === id ? {} : { displayNodeId: displayId }),
        parentNodeId: parentId,
        ...(realId === id ? {} : { realNodeId: realId }),
      };
    },
  };
  return graph;
}

/** Everything that the outputs may need, over lazy links too. */
export function neededNodes(graph: DynamicGraph, outputs: readonly string[]): Set<string> {
  const found = new Set<string>();
  const stack = [...outputs];
  while (stack.length > 0) {
    const id = stack.pop();
    const node = id === undefined ? undefined : graph.find(id);
    if (id === undefined || node === undefined || found.has(id)) continue;
    found.add(id);
    for (const value of Object.values(node.inputs)) if (isLink(value)) stack.push(value[0]);
  }
  return found;
}
