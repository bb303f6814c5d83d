import { useLayoutEffect, useRef } from "preact/hooks";
import type { LogEntry } from "./tracked-job.ts";

export interface EventLogProps {
  /** Grows at its end only. */
  readonly log: readonly LogEntry[];
  readonly titleOf: (nodeId: string) => string;
}

/** Every event that was given, one row each, with its facts in `data-` attributes. */
export function EventLog({ log, titleOf }: EventLogProps) {
  const list = useRef<HTMLOListElement>(null);

  // Rows are added by hand: a log has thousands, and to compare them all for each new one would be quadratic.
  useLayoutEffect(() => {
    const rows = log.slice(list.current?.childElementCount);
    list.current?.append(...rows.map((entry) => eventRow(entry, titleOf)));
  });

  return (
    <details class="events">
      <summary>
        {log.length} {log.length === 1 ? "event" : "events"}
      </summary>
      <ol ref={list} />
    </details>
  );
}

function eventRow(entry: LogEntry, titleOf: (nodeId: string) => string): HTMLLIElement {
  const row = document.createElement("li");
  const { attempt, seq, type, at } = entry;
  Object.assign(row.dataset, { attempt, seq, type });
  const cells = [
    ["seq", attempt > 1 ? `${attempt}.${seq}` : String(seq)],
    ["at", new Date(at).toLocaleTimeString()],
    ["type", type],
    ["detail", detailOf(entry, titleOf)],
  ] as const;
  for (const [name, text] of cells) {
    const cell = document.createElement("span");
    cell.className = name;
    cell.textContent = text;
    row.append(cell);
  }
  return row;
}

function detailOf(entry: LogEntry, titleOf: (nodeId: string) => string): string {
  switch (entry.type) {
    case "job-start":
      return `on ${entry.workerId}`;
    case "nodes-cached":
      return entry.nodeIds.map(titleOf).join(", ");
    case "node-progress":
      return `${titleOf(entry.nodeId)} ${entry.value} / ${entry.max}`;
    case "node-preview":
      return `${titleOf(entry.nodeId)} ${(entry.sizeBytes / 1000).toFixed(1)} kB`;
    case "node-text":
      return `${titleOf(entry.nodeId)}: ${entry.text}`;
    case "node-blocked":
      return `${titleOf(entry.nodeId)}: ${entry.message}`;
    case "node-start":
    case "node-output":
    case "node-end":
      return titleOf(entry.nodeId);
    case "job-gap":
      return `events ${entry.from} to ${entry.to} are no longer held`;
    case "job-snapshot":
      return entry.state;
    case "job-end":
      return entry.error ? `${entry.state}: ${entry.error.message}` : entry.state;
  }
}
