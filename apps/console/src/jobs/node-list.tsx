import type { NodeProgress } from "./job-progress.ts";

const marks = { cached: "✓", running: "", finished: "✓", blocked: "–", error: "✕" } as const;
const stateWords = {
  cached: "from the cache",
  running: "running",
  finished: "done",
  blocked: "left out",
  error: "failed",
} as const;

/** The nodes that have begun, each with how far it is. */
export function NodeList({
  nodes,
  titleOf,
}: {
  readonly nodes: ReadonlyMap<string, NodeProgress>;
  readonly titleOf: (nodeId: string) => string;
}) {
  if (nodes.size === 0) return null;
  return (
    <ol class="nodes">
      {[...nodes].map(([id, { state, value, max, text }]) => (
        <li key={id} class={state} data-node={id} data-state={state}>
          <span class="mark" aria-hidden="true">
            {marks[state]}
          </span>
          <span class="node-title">{titleOf(id)}</span>
          <span class="node-state">
            {state === "running" && max > 1 ? `${value} / ${max}` : stateWords[state]}
          </span>
          {text !== undefined && <span class="node-text">{text}</span>}
        </li>
      ))}
    </ol>
  );
}
