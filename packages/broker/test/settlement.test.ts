import { expect, test } from "vitest";
import { ACK, DEAD_LETTER, retryAfter, type Settlement, verdict } from "../src/index.ts";

const table: readonly [Settlement, ReturnType<typeof verdict>][] = [
  [ACK, { method: "ack" }],
  [retryAfter(0), { method: "nack", requeue: true, afterMs: 0 }],
  [retryAfter(250), { method: "nack", requeue: true, afterMs: 250 }],
  [retryAfter(-1), { method: "nack", requeue: true, afterMs: 0 }],
  [DEAD_LETTER, { method: "nack", requeue: false, afterMs: 0 }],
];

test.each(table)("the settlement %j means %j on the channel", (settlement, expected) => {
  expect(verdict(settlement)).toEqual(expected);
});
