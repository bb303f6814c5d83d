import type { JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { jobHub } from "../../src/events/job-hub.ts";

const start = (second: number): JobEvent => ({
  ...envelope(second),
  type: "job-start",
  seq: 1,
  workerId: "w",
  nodeCount: 1,
});
const end = (second: number): JobEvent => ({
  ...envelope(second),
  type: "job-end",
  seq: 2,
  state: "succeeded",
  outputs: {},
});

function envelope(second: number) {
  return { v: 1 as const, jobId: "a", attempt: 1, at: `2026-01-01T00:00:0${second}.000Z` };
}

function heard() {
  const hub = jobHub();
  const events: JobEvent[] = [];
  hub.onEvent((event) => events.push(event));
  return { hub, events };
}

test("a straggler of a job that has ended is dropped", () => {
  const { hub, events } = heard();
  hub.deliver("w", [start(1), end(2), start(1), end(2), end(3)]);
  expect(events).toEqual([start(1), end(2)]);
});

test("a job that begins under an old one's id is heard, here or taken in by another gateway", () => {
  const { hub, events } = heard();
  hub.deliver("w", [start(1), end(2), start(3), end(4)]);
  hub.begin("a");
  hub.deliver("w", [end(5)]);
  expect(events).toEqual([start(1), end(2), start(3), end(4), end(5)]);
});
