import { CodedError } from "@rabbitloom/protocol";
import type { UiNode } from "./ui-workflow.ts";

export interface UnconvertedNode {
  readonly id: string;
  readonly node: UiNode;
  readonly reason: string;
}

/** Naming more nodes in the sentence helps nobody; all of them are in the details. */
const MAX_NAMED = 5;

/** Code WORKFLOW_NOT_CONVERTIBLE: says which nodes, and why. `details.nodes` lists `{ id, type, title, reason }`. */
export class NotConvertible extends CodedError {
  constructor(nodes: readonly UnconvertedNode[], problem?: string) {
    const named = nodes.slice(0, MAX_NAMED).map(sentence);
    if (nodes.length > MAX_NAMED) named.push(`and ${nodes.length - MAX_NAMED} more`);
    super("WORKFLOW_NOT_CONVERTIBLE", problem ?? named.join("; "), {
      details: {
        nodes: nodes.map(({ id, node, reason }) => ({
          id,
          type: node.type,
          title: node.title ?? null,
          reason,
        })),
      },
    });
  }
}

function sentence({ id, node, reason }: UnconvertedNode): string {
  const title = node.title === undefined || node.title === null ? "" : `, "${node.title}"`;
  return `node ${id} (${node.type}${title}): ${reason}`;
}
