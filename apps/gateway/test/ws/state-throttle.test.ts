import type { JsonEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { jobTranslation } from "../../src/ws/job-translation.ts";

const at = "2026-01-01T00:00:00.000Z";

/** Bytes of text that a chain of so many nodes makes. */
function bytesOfChain(count: number): number {
  const time = 0;
  const translation = jobTranslation("job", () => time);
  let seq = 0;
  const events: JsonEvent[] = [];
  for (let i = 0; i < count; i++) {
    const envelope = () => ({ v: 1 as const, jobId: "job", attempt: 1, seq: ++seq, at });
    events.push({ ...envelope(), type: "node-start", nodeId: String(i) });
    events.push({ ...envelope(), type: "node-end", nodeId: String(i) });
  }
  events.push({
    v: 1,
    jobId: "job",
    attempt: 1,
    seq: ++seq,
    at,
    type: "job-end",
    state: "succeeded",
    outputs: {},
  });
  return events
    .flatMap((event) => translation.translate(event))
    .reduce((sum, frame) => sum + (frame.kind === "text" ? frame.text.length : 0), 0);
}

test("what a socket is told grows with the nodes, not with their square", () => {
  const [small, large] = [bytesOfChain(200), bytesOfChain(800)];
  expect(large).toBeLessThan(small * 4);
  // ComfyUI itself sends 8.1 MB for 202 nodes.
  expect(small).toBeLessThan(1_000_000);
});

test("the state that was held back is said before the end", () => {
  const translation = jobTranslation("job", () => 0);
  for (let i = 0; i < 40; i++) {
    translation.translate({
      v: 1,
      jobId: "job",
      attempt: 1,
      seq: i + 1,
      at,
      type: "node-start",
      nodeId: String(i),
    });
  }
  const frames = translation.translate({
    v: 1,
    jobId: "job",
    attempt: 1,
    seq: 99,
    at,
    type: "job-end",
    state: "succeeded",
    outputs: {},
  });
  const [first] = frames;
  expect(first?.kind === "text" && first.text).toContain('"39": {');
});
