/** Output `slot` of node `nodeId`, as it stands in a prompt. */
export type Link = readonly [nodeId: string, slot: number];

/** Whether a prompt value points at a node's output rather than being a literal. */
export function isLink(value: unknown): value is Link {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === "string" &&
    typeof value[1] === "number"
  );
}
