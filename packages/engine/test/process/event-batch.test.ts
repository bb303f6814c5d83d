import type { EngineEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { createEventBatch } from "../../src/process/event-batch.ts";

const start = (nodeId: string): EngineEvent => ({ type: "node-start", nodeId });
const progress = (value: number): EngineEvent => ({
  type: "node-progress",
  nodeId: "a",
  value,
  max: 100,
});

test("events that come in one go are one message, in order", async () => {
  const messages: EngineEvent[][] = [];
  const batch = createEventBatch((events) => messages.push(events));
  batch.add(start("a"));
  for (let value = 1; value <= 50; value++) batch.add(progress(value));
  expect(messages).toEqual([[start("a")]]);
  await new Promise((resolve) => setImmediate(resolve));
  const values = messages.slice(1).flat();
  expect(values).toHaveLength(50);
  expect(values.at(-1)).toEqual(progress(50));
  expect(messages.length).toBeLessThan(10);
});

test("the start of a node goes out at once, with all that came before it", () => {
  const messages: EngineEvent[][] = [];
  const batch = createEventBatch((events) => messages.push(events));
  batch.add(start("a"));
  batch.add(progress(1));
  batch.add(start("b"));
  expect(messages.flat()).toEqual([start("a"), progress(1), start("b")]);
});

test("what was found in the cache goes out with the first node's start, or with nothing else to wait for", async () => {
  const messages: EngineEvent[][] = [];
  const batch = createEventBatch((events) => messages.push(events));
  const cached: EngineEvent = { type: "nodes-cached", nodeIds: ["a"] };
  batch.add(cached);
  expect(messages).toEqual([]);
  batch.add(start("b"));
  expect(messages).toEqual([[cached, start("b")]]);
  batch.add(cached);
  await new Promise((resolve) => setImmediate(resolve));
  expect(messages).toEqual([[cached, start("b")], [cached]]);
});

test("what was taken out is not sent again", async () => {
  const messages: EngineEvent[][] = [];
  const batch = createEventBatch((events) => messages.push(events));
  batch.add(start("a"));
  batch.add(progress(1));
  expect(batch.take()).toEqual([progress(1)]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(messages).toEqual([[start("a")]]);
});
