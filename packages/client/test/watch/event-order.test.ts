import type { Cursor, JobEvent } from "@rabbitloom/protocol";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { eventOrder } from "../../src/watch/event-order.ts";
import { end, gap, progress, snapshot, start } from "../support/events.ts";

function takeAll(events: readonly JobEvent[], after?: Cursor): readonly string[] {
  const order = eventOrder(after);
  return events.flatMap((event) => order.take(event)).map(describeEvent);
}

function describeEvent(event: JobEvent): string {
  if (event.type === "job-gap") return `gap ${event.attempt}.${event.from}-${event.to}`;
  return `${event.type} ${event.attempt}.${event.seq}`;
}

describe("the order of a job's events", () => {
  test("an event that comes twice is given once", () => {
    expect(takeAll([start(), progress(2), start(), progress(2), progress(3)])).toEqual([
      "job-start 1.1",
      "node-progress 1.2",
      "node-progress 1.3",
    ]);
  });

  test("what an older attempt still says is dropped once a newer one was seen", () => {
    expect(takeAll([start(), start(1, 2), progress(2, 1), progress(2, 2)])).toEqual([
      "job-start 1.1",
      "job-start 2.1",
      "node-progress 2.2",
    ]);
  });

  test("an end that an older attempt says is not the job's end", () => {
    expect(takeAll([start(), start(1, 2), end(7, "failed", 1), end(2, "succeeded", 2)])).toEqual([
      "job-start 1.1",
      "job-start 2.1",
      "job-end 2.2",
    ]);
  });

  test("missing numbers are announced before the event that shows them missing", () => {
    expect(takeAll([start(), progress(5)])).toEqual([
      "job-start 1.1",
      "gap 1.2-4",
      "node-progress 1.5",
    ]);
    expect(takeAll([start(), progress(3, 2)])).toEqual([
      "job-start 1.1",
      "gap 2.1-2",
      "node-progress 2.3",
    ]);
  });

  test("a stream that opens with a snapshot announces what came before it", () => {
    expect(takeAll([snapshot(17), progress(18)])).toEqual([
      "gap 1.1-16",
      "job-snapshot 1.17",
      "node-progress 1.18",
    ]);
  });

  test("a gap that the gateway announces is given once, with the snapshot that follows it", () => {
    const log = [start(), gap(2, 9), snapshot(9), progress(10)];
    expect(takeAll([...log, ...log])).toEqual([
      "job-start 1.1",
      "gap 1.2-9",
      "job-snapshot 1.9",
      "node-progress 1.10",
    ]);
  });

  test("a reader that has seen a part gets only the rest", () => {
    const log = [start(), progress(2), progress(3), end(4)];
    expect(takeAll(log, { attempt: 1, seq: 2 })).toEqual(["node-progress 1.3", "job-end 1.4"]);
    expect(takeAll(log, { attempt: 1, seq: 0 })).toHaveLength(4);
    expect(takeAll([start(1, 2)], { attempt: 1, seq: 2 })).toEqual(["job-start 2.1"]);
  });

  test("the end is given whatever its number, since who gives a job up may not know the last one", () => {
    expect(takeAll([start(), progress(2), progress(3), end(3, "dead")])).toEqual([
      "job-start 1.1",
      "node-progress 1.2",
      "node-progress 1.3",
      "job-end 1.3",
    ]);
    expect(takeAll([end(1, "cancelled", 0)])).toEqual(["job-end 0.1"]);
  });

  test("however messages repeat and older ones come again, every number is given once and in order", () => {
    const log = [start(), ...Array.from({ length: 8 }, (_, index) => progress(index + 2)), end(10)];
    // Each connection replays from somewhere at or before the last one's end.
    const replays = fc.array(fc.record({ back: fc.nat(10), length: fc.nat(10) }), { maxLength: 8 });
    fc.assert(
      fc.property(replays, (connections) => {
        const order = eventOrder();
        const given: number[] = [];
        let reached = 0;
        for (const { back, length } of [...connections, { back: 10, length: 20 }]) {
          const from = Math.max(0, reached - back);
          const part = log.slice(from, from + length);
          reached = Math.max(reached, from + part.length);
          for (const event of part) given.push(...order.take(event).map(({ seq }) => seq));
        }
        const beforeEnd = given.filter((seq) => seq < log.length);
        expect(beforeEnd).toEqual(log.slice(0, -1).map(({ seq }) => seq));
        expect(given).toContain(log.length);
      }),
    );
  });
});
