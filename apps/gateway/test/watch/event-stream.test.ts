import type { JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import type { StreamedEvents } from "../../src/amqp/ports.ts";
import { eventStream } from "../../src/watch/event-stream.ts";

const at = "2026-01-01T00:00:00.000Z";

function event(
  attempt: number,
  seq: number,
  type: "node-start" | "job-end" = "node-start",
): JobEvent {
  const envelope = { v: 1 as const, jobId: "job", attempt, seq, at };
  return type === "job-end"
    ? { ...envelope, type, state: "succeeded", outputs: {} }
    : { ...envelope, type, nodeId: "1" };
}

async function* source(events: readonly JobEvent[]): AsyncGenerator<StreamedEvents> {
  yield { offset: 0, events };
}

/** `id type` of each told event. */
async function told(events: readonly JobEvent[], after?: { attempt: number; seq: number }) {
  const lines: string[] = [];
  for await (const text of eventStream({ source: source(events), after, withPreviews: false })) {
    lines.push(text.replace(/^id: (.*)\nevent: (.*)\ndata: .*\n\n$/, "$1 $2"));
  }
  return lines;
}

test("each event is told once, though the stream holds it twice", async () => {
  const events = [event(1, 1), event(1, 2), event(1, 1), event(1, 2), event(1, 3, "job-end")];
  expect(await told(events)).toEqual(["1 node-start", "2 node-start", "3 job-end"]);
});

test("what an older attempt still says after a newer one is left out", async () => {
  const events = [event(1, 1), event(2, 1), event(1, 2), event(2, 2, "job-end")];
  expect(await told(events)).toEqual(["1 node-start", "2.1 node-start", "2.2 job-end"]);
});

test("nothing is told after the end", async () => {
  expect(await told([event(1, 1, "job-end"), event(2, 1)])).toEqual(["1 job-end"]);
});

test("missing numbers are announced, wherever they are missing", async () => {
  expect(await told([event(1, 3), event(1, 6), event(1, 7, "job-end")])).toEqual([
    "2 job-gap",
    "3 node-start",
    "5 job-gap",
    "6 node-start",
    "7 job-end",
  ]);
});

test("a reader goes on behind its cursor, and hears of a gap only behind it", async () => {
  const events = [event(1, 1), event(1, 2), event(1, 3), event(1, 4, "job-end")];
  expect(await told(events, { attempt: 1, seq: 2 })).toEqual(["3 node-start", "4 job-end"]);
  expect(await told(events.slice(3), { attempt: 1, seq: 2 })).toEqual(["3 job-gap", "4 job-end"]);
});

test("an end is told whatever its number, unless a later attempt was heard", async () => {
  const tail = [event(1, 7), event(1, 2, "job-end")];
  expect(await told(tail, { attempt: 1, seq: 6 })).toEqual(["7 node-start", "2 job-end"]);
  expect(await told(tail.slice(1), { attempt: 1, seq: 6 })).toEqual(["2 job-end"]);
  expect(await told(tail.slice(1), { attempt: 2, seq: 1 })).toEqual([]);
});
