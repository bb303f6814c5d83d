import type { JobEvent, JsonEvent, PreviewEvent } from "@rabbitloom/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type EventLog, openEventLog } from "../src/jobs/event-log.ts";
import type { EventRoute } from "../src/jobs/event-route.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

interface Sent {
  readonly log: EventLog;
  /** The messages, each by the types of its events. */
  readonly messages: string[];
  readonly events: JobEvent[];
  readonly failures: unknown[];
}

function openLog(options: { readonly firstAtOnce?: boolean } = {}): Sent {
  const messages: string[] = [];
  const events: JobEvent[] = [];
  const failures: unknown[] = [];
  const take = (list: readonly (JsonEvent | PreviewEvent)[]) => {
    messages.push(list.map(({ type }) => type).join(" "));
    events.push(...list);
  };
  const route: EventRoute = {
    post: take,
    postPreview: (preview) => take([preview]),
    publish: (list) => Promise.resolve(take(list)),
  };
  const onFailure = (error: unknown) => failures.push(error);
  const log = openEventLog({ jobId: "j", attempt: 2, nodeCount: 3, route, onFailure, ...options });
  return { log, messages, events, failures };
}

const start = { type: "job-start", workerId: "w", nodeCount: 3 } as const;
const step = (value: number) => ({ type: "node-progress", nodeId: "1", value, max: 10 }) as const;
const preview = {
  type: "node-preview",
  nodeId: "1",
  contentType: "image/jpeg",
  width: 1,
  height: 1,
  image: new Uint8Array(1),
} as const;

test("the first event leaves at once; those that follow fast share one message", () => {
  const { log, messages } = openLog();

  log.emit(start);
  log.emit(step(1));
  log.emit(step(2));
  expect(messages).toEqual(["job-start"]);
  vi.advanceTimersByTime(10);
  log.emit(step(3));

  expect(messages).toEqual(["job-start", "node-progress node-progress"]);
  vi.advanceTimersByTime(10);
  expect(messages).toEqual(["job-start", "node-progress node-progress", "node-progress"]);
});

test("where other jobs wait, a short job says everything in one message", async () => {
  const { log, messages } = openLog({ firstAtOnce: false });
  log.emit(start);
  vi.advanceTimersByTime(3);
  log.emit(step(1));

  await log.publishEnd(log.end({ state: "succeeded", outputs: {} }));

  expect(messages).toEqual(["job-start node-progress job-end"]);
});

test("where other jobs wait, a long job is still seen to start within milliseconds", () => {
  const { log, messages } = openLog({ firstAtOnce: false });
  log.emit(start);

  vi.advanceTimersByTime(10);

  expect(messages).toEqual(["job-start"]);
});

test("after a quiet while the next event leaves at once again", () => {
  const { log, messages } = openLog();
  log.emit(start);
  vi.advanceTimersByTime(100);

  log.emit(step(1));

  expect(messages).toEqual(["job-start", "node-progress"]);
});

test("a preview waits for nothing and sends what is before it first", () => {
  const { log, messages, events } = openLog();
  log.emit(start);
  log.emit(step(1));

  log.emit(preview);

  expect(messages).toEqual(["job-start", "node-progress", "node-preview"]);
  expect(events.map(({ seq }) => seq)).toEqual([1, 2, 3]);
});

test("the end travels with what still waits before it, and nothing comes after it", async () => {
  const { log, messages, events } = openLog();
  log.emit(start);
  log.emit(step(1));
  const end = log.end({ state: "succeeded", outputs: {} });
  log.emit(step(2));

  await log.publishEnd(end);
  vi.advanceTimersByTime(100);

  expect(messages).toEqual(["job-start", "node-progress job-end"]);
  expect(events.map(({ seq, attempt }) => [attempt, seq])).toEqual([
    [2, 1],
    [2, 2],
    [2, 3],
  ]);
  expect(log.lastSeq).toBe(3);
});

test("what a fenced attempt has not sent yet is thrown away", () => {
  const { log, messages } = openLog();
  log.emit(start);
  log.emit(step(1));

  log.close("drop");
  vi.advanceTimersByTime(100);

  expect(messages).toEqual(["job-start"]);
});

test("an event that cannot be sent stops the log and is reported once", () => {
  const failures: unknown[] = [];
  const broken = () => {
    throw new Error("full");
  };
  const route: EventRoute = { post: broken, postPreview: broken, publish: () => Promise.resolve() };
  const onFailure = (error: unknown) => failures.push(error);
  const log = openEventLog({ jobId: "j", attempt: 1, nodeCount: 1, route, onFailure });

  log.emit(start);
  log.emit(step(1));

  expect(failures).toEqual([new Error("full")]);
});
