import type { JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { afterEvent, fractionDone, UNSTARTED } from "../../src/jobs/job-progress.ts";

type Facts<Event> = Event extends unknown
  ? Omit<Event, "v" | "jobId" | "attempt" | "seq" | "at">
  : never;

function play(facts: readonly Facts<JobEvent>[], attempt = 1, from = UNSTARTED) {
  return facts.reduce(
    (job, fact, index) =>
      afterEvent(job, {
        v: 1,
        jobId: "j",
        attempt,
        seq: index + 1,
        at: `2026-01-02T03:04:${String(index).padStart(2, "0")}.000Z`,
        ...fact,
      }),
    from,
  );
}

const start = { type: "job-start", workerId: "w1", nodeCount: 4 } as const;

test("a job goes from waiting over its nodes to its end", () => {
  const running = play([
    start,
    { type: "nodes-cached", nodeIds: ["1"] },
    { type: "node-start", nodeId: "2" },
    { type: "node-progress", nodeId: "2", value: 5, max: 10 },
  ]);
  expect(running.state).toBe("running");
  expect([...running.nodes].map(([id, { state }]) => [id, state])).toEqual([
    ["1", "cached"],
    ["2", "running"],
  ]);
  expect(fractionDone(running)).toBeCloseTo(1.5 / 4);

  const outputs = { "4": { images: [] } };
  const ended = play([start, { type: "job-end", state: "succeeded", outputs }], 1, running);
  expect(ended).toMatchObject({ state: "succeeded", outputs, endedAt: "2026-01-02T03:04:01.000Z" });
  expect(fractionDone(ended)).toBe(1);
});

test("a node of an expansion is shown on the node that the user sees", () => {
  const job = play([
    start,
    { type: "node-progress", nodeId: "5.0.0.3", displayNodeId: "5", value: 1, max: 2 },
  ]);
  expect([...job.nodes.keys()]).toEqual(["5"]);
});

test("the node that failed is marked, with the others as they were", () => {
  const error = {
    code: "NODE_FAILED",
    message: "no",
    retryable: false,
    node: { nodeId: "2", nodeType: "X", exceptionType: "Error", traceback: [], inputs: {} },
  };
  const job = play([
    start,
    { type: "node-start", nodeId: "1" },
    { type: "node-end", nodeId: "1" },
    { type: "node-start", nodeId: "2" },
    { type: "job-end", state: "failed", outputs: {}, error },
  ]);
  expect([...job.nodes.values()].map(({ state }) => state)).toEqual(["finished", "error"]);
  expect(job.error?.message).toBe("no");
});

test("a second attempt begins with no node done", () => {
  const first = play([start, { type: "node-start", nodeId: "1" }]);
  const second = play([start], 2, first);
  expect(second).toMatchObject({ attempt: 2, state: "running" });
  expect(second.nodes.size).toBe(0);
});

test("a snapshot fills in what a late reader did not hear", () => {
  const job = play([
    {
      type: "job-snapshot",
      state: "running",
      nodes: { "1": { state: "finished", value: 1, max: 1 } },
      outputs: { "1": { text: ["hello"] } },
    },
  ]);
  expect(job).toMatchObject({ state: "running", outputs: { "1": { text: ["hello"] } } });
  expect(job.nodes.get("1")?.state).toBe("finished");
});
