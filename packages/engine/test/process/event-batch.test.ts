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

test("nothing is sent when there is nothing to send", () => {
  const messages: EngineEvent[][] = [];
  createEventBatch((events) => messages.push(events)).flush();
  expect(messages).toEqual([]);
});
