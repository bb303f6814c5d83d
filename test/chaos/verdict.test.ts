/** A checker that cannot fail proves nothing: one bad history for each way to break the promise. */
import { expect, test } from "vitest";
import type { FinalRecord, History, JobHistory, SaidEvent } from "./history.ts";
import { verdict } from "./verdict.ts";

const end = (given: Partial<SaidEvent> = {}): SaidEvent => ({
  attempt: 1,
  seq: 2,
  type: "job-end",
  state: "succeeded",
  said: "a",
  ...given,
});
const start = (attempt = 1): SaidEvent => ({ attempt, seq: 1, type: "job-start" });
const kept: FinalRecord = { state: "succeeded", attempt: 1, said: "a", files: [] };
const good: JobHistory = {
  id: "j",
  answer: "accepted",
  expected: "a",
  isCancelAsked: false,
  record: kept,
  events: [start(), end()],
};
const { record: _, ...unrecorded } = good;

function rules(job: JobHistory, resources: Partial<History> = {}): string[] {
  const history: History = { jobs: [job], before: {}, after: {}, ...resources };
  return verdict(history).map(({ rule }) => rule);
}

test("a job that ended once with its own output is in order, repeated and fenced events included", () => {
  expect(rules(good)).toEqual([]);
  expect(rules({ ...good, events: [start(), end(), end()], stream: [start(), end()] })).toEqual([]);
  const second = { ...kept, attempt: 2 };
  const events = [start(), { ...start(), seq: 3 }, start(2), end({ attempt: 2 })];
  expect(rules({ ...good, record: second, events })).toEqual([]);
  expect(rules({ ...unrecorded, answer: "refused", events: [] })).toEqual([]);
  expect(rules({ ...unrecorded, answer: "unknown", events: [] })).toEqual([]);
});

test("events that died with their worker are in order where a snapshot stands for them", () => {
  const snapshot: SaidEvent = { attempt: 1, seq: 8, type: "job-snapshot" };
  const late = end({ seq: 9 });
  expect(rules({ ...good, events: [start(), snapshot, late] })).toEqual([]);
  expect(rules({ ...good, events: [start(), { ...snapshot, type: "node-end" }, late] })).toEqual([
    "no-gap",
  ]);
  expect(rules({ ...good, events: [snapshot, end({ seq: 10 })] })).toEqual(["no-gap"]);
});

test("a job that asked to be cancelled may be, and another may not", () => {
  const record: FinalRecord = { state: "cancelled", attempt: 1, files: [], code: "JOB_CANCELLED" };
  const events = [end({ seq: 1, state: "cancelled", said: "" })];
  expect(rules({ ...good, record, events, isCancelAsked: true })).toEqual([]);
  expect(rules({ ...good, record, events })).toEqual(["accepted-ends"]);
});

test("a job may be given up after the last attempt, not before", () => {
  const dead = (attempt: number) => ({
    ...good,
    record: { state: "dead" as const, attempt, files: [] },
    events: [end({ attempt, seq: 1, state: "dead", said: "" })],
  });
  expect(rules(dead(5))).toEqual([]);
  expect(rules(dead(2))).toEqual(["accepted-ends"]);
});

test.each<[string, Partial<JobHistory>, string[]]>([
  ["never ends", { record: { ...kept, state: "running" } }, ["accepted-ends"]],
  ["has said nothing of its end", { events: [start()] }, ["one-end"]],
  ["has no end in its stream", { stream: [start()] }, ["one-end"]],
  [
    "ends twice, in two ways",
    { events: [start(), end(), end({ attempt: 2, seq: 1, state: "cancelled" })] },
    ["one-end"],
  ],
  [
    "is committed by two attempts",
    { events: [start(), end(), start(2), end({ attempt: 2 })] },
    ["one-end", "one-commit"],
  ],
  [
    "ended otherwise than its record",
    { events: [start(), end({ state: "failed" })] },
    ["end-is-the-record"],
  ],
  ["has another job's output", { record: { ...kept, said: "b" } }, ["output-is-its-own"]],
  ["was answered with another job's output", { answered: "b" }, ["output-is-its-own"]],
  ["left a file of a dead attempt", { files: ["x"] }, ["files-are-named"]],
  [
    "names a file that is not there",
    { files: [], record: { ...kept, files: ["x"] } },
    ["files-are-named"],
  ],
  ["lost an event", { events: [start(), end({ seq: 3 })] }, ["no-gap"]],
  ["lost an event of its stream", { stream: [end()] }, ["no-gap"]],
  ["was refused and ran", { answer: "refused" }, ["refused-is-nowhere", "refused-is-nowhere"]],
])("a job that %s is found", (_what, given, expected) => {
  expect(rules({ ...good, ...given })).toEqual(expected);
});

test("an accepted job that nobody remembers is found, and one that ran without a record", () => {
  expect(rules({ ...unrecorded, events: [] })).toEqual(["accepted-ends"]);
  expect(rules({ ...unrecorded, answer: "unknown" })).toEqual(["accepted-ends"]);
});

test("what is left behind is found: queues and keys by one, descriptors and memory with some slack", () => {
  const mib = 2 ** 20;
  const before = { queues: 9, gatewayDescriptors: 30, gatewayBytes: 100 * mib };
  const breathes = { queues: 9, gatewayDescriptors: 40, gatewayBytes: 200 * mib };
  expect(rules(good, { before, after: breathes })).toEqual([]);
  expect(rules(good, { before, after: { ...breathes, queues: 10 } })).toEqual(["nothing-left"]);
  expect(rules(good, { before, after: { ...breathes, gatewayDescriptors: 60 } })).toEqual([
    "nothing-left",
  ]);
  expect(rules(good, { before, after: { ...breathes, gatewayBytes: 300 * mib } })).toEqual([
    "nothing-left",
  ]);
  expect(rules(good, { before, after: { keys: 1 } })).toEqual(["nothing-left"]);
});
