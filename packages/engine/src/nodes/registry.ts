import type { NodeCatalog } from "@rabbitloom/protocol";
import { nodeCatalogEntry } from "./catalog-entry.ts";
import type { NodeClass } from "./define-node.ts";

/** The node classes an engine knows, by name. */
export type NodeRegistry = ReadonlyMap<string, NodeClass>;

/** Later packs replace classes of earlier ones, so that a user's pack can improve on a core node. */
export function createRegistry(...packs: readonly (readonly NodeClass[])[]): NodeRegistry {
  const registry = new Map<string, NodeClass>();
  for (const pack of packs) for (const node of pack) registry.set(node.name, node);
  return registry;
}

export function nodeCatalog(registry: NodeRegistry): NodeCatalog {
  const catalog: NodeCatalog = {};
  for (const node of registry.values()) catalog[node.name] = nodeCatalogEntry(node);
  return catalog;
}
