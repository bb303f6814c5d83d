import { expect, test } from "vitest";
import { trackProgress } from "../src/track-progress.ts";

test("cached and finished nodes count whole, the running one by its own progress", () => {
  const tracker = trackProgress(4);
  tracker.note({ type: "nodes-cached", nodeIds: ["1"] });
  tracker.note({ type: "node-start", nodeId: "2" });
  tracker.note({ type: "node-end", nodeId: "2" });
  tracker.note({ type: "node-start", nodeId: "3" });
  tracker.note({ type: "node-progress", nodeId: "3", value: 5, max: 10 });

  expect(tracker.progress()).toEqual({
    fraction: 0.625,
    nodesDone: 2,
    nodeCount: 4,
    nodeId: "3",
    value: 5,
    max: 10,
  });
  expect(tracker.nodes()).toEqual({
    "1": { state: "finished", value: 1, max: 1 },
    "2": { state: "finished", value: 1, max: 1 },
    "3": { state: "running", value: 5, max: 10 },
  });
});

test("nodes of an expansion never make more than the whole", () => {
  const tracker = trackProgress(1);
  for (const nodeId of ["1.0.0.1", "1.0.0.2", "1"]) {
    tracker.note({ type: "node-start", nodeId, displayNodeId: "1" });
    tracker.note({ type: "node-end", nodeId, displayNodeId: "1" });
  }

  expect(tracker.progress()).toMatchObject({ fraction: 1, nodesDone: 1 });
});

test("outputs are kept under the node that shows them", () => {
  const tracker = trackProgress(1);
  tracker.note({
    type: "node-output",
    nodeId: "1.0.0.1",
    displayNodeId: "1",
    output: { text: ["a"] },
  });
  tracker.note({ type: "node-output", nodeId: "2", output: null });

  expect(tracker.outputs()).toEqual({ "1": { text: ["a"] } });
});
