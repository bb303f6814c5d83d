import { expect, test } from "vitest";
import { backoffDelayMs } from "../src/backoff.ts";

test("the wait doubles with each failure in a row, up to its limit", () => {
  const longest = [0, 1, 2, 3, 7, 50].map((failures) => backoffDelayMs(failures, {}, () => 1));
  expect(longest).toEqual([0, 200, 400, 800, 10_000, 10_000]);
});

test("chance takes up to half of a wait away", () => {
  expect(backoffDelayMs(3, { baseDelayMs: 100 }, () => 0)).toBe(200);
  expect(backoffDelayMs(3, { baseDelayMs: 100 }, () => 0.5)).toBe(300);
});
