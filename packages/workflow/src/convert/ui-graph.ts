import type { UiLink, UiNode } from "./ui-workflow.ts";

/** Nodes and links of one level, by id. */
export interface UiGraph {
  /** In the file's order. */
  readonly nodes: readonly UiNode[];
  readonly byId: ReadonlyMap<string, UiNode>;
  readonly links: ReadonlyMap<string, UiLink>;
}

export function uiGraph(nodes: readonly UiNode[], links: readonly UiLink[]): UiGraph {
  return {
    nodes,
    byId: new Map(nodes.map((node) => [node.id, node])),
    links: new Map(links.map((link) => [link.id, link])),
  };
}

const MUTED = 2;
const BYPASSED = 4;

export function isMuted(node: UiNode): boolean {
  return node.mode === MUTED;
}

export function isBypassed(node: UiNode): boolean {
  return node.mode === BYPASSED;
}

/** Node types that exist only in the page. */
const VIRTUAL_TYPES = new Set(["Note", "MarkdownNote", "Reroute", "PrimitiveNode"]);

export function isVirtual(node: UiNode): boolean {
  return VIRTUAL_TYPES.has(node.type);
}
