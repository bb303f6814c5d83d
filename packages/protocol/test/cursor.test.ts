import * as fc from "fast-check";
import { expect, test } from "vitest";
import { formatCursor, isAfter, parseCursor } from "../src/index.ts";

const cursor = fc.record({
  attempt: fc.integer({ min: 1, max: 999_999_999 }),
  seq: fc.integer({ min: 0, max: 999_999_999 }),
});

test("any cursor is read as it was written", () =>
  fc.assert(
    fc.property(cursor, (value) => {
      expect(parseCursor(formatCursor(value))).toEqual(value);
    }),
  ));

test.each([
  [{ attempt: 1, seq: 17 }, "17"],
  [{ attempt: 2, seq: 17 }, "2.17"],
])("the cursor %j is written %s", (value, text) => {
  expect(formatCursor(value)).toBe(text);
});

test("of two cursors at most one is after the other, and a later attempt is after an earlier one", () =>
  fc.assert(
    fc.property(cursor, cursor, (a, b) => {
      const isSame = a.attempt === b.attempt && a.seq === b.seq;
      expect(Number(isAfter(a, b)) + Number(isAfter(b, a))).toBe(isSame ? 0 : 1);
      if (a.attempt > b.attempt) expect(isAfter(a, b)).toBe(true);
    }),
  ));

test.each(["", "x", "-1", "1.2.3", "2.", "1e3", "99999999999999999999"])(
  "the cursor %j is refused with both forms that are accepted",
  (text) => {
    expect(() => parseCursor(text)).toThrow(/expected "17" or "2\.17"/);
  },
);
