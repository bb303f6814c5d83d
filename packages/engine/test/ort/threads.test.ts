import { expect, test } from "vitest";
import { computeThreads } from "../../src/ort/threads.ts";

test.each([
  ["two cores of one thread", { allowed: 2, siblings: ["0", "1"], quota: "" }, 2],
  [
    "two cores of two threads",
    { allowed: 4, siblings: ["0,2", "1,3", "0,2", "1,3"], quota: "" },
    2,
  ],
  ["a system that does not say", { allowed: 8, siblings: [], quota: "" }, 8],
  ["bound to one of eight cores", { allowed: 1, siblings: [..."01234567"], quota: "" }, 1],
  ["a container of 1.5 processors", { allowed: 8, siblings: [], quota: "150000 100000\n" }, 2],
  ["a container of a half", { allowed: 8, siblings: [], quota: "50000 100000" }, 1],
  ["a container without a limit", { allowed: 8, siblings: [], quota: "max 100000" }, 8],
])("%s", (_, processors, threads) => {
  expect(computeThreads(processors)).toBe(threads);
});

test("this machine has one at least", () => {
  expect(computeThreads()).toBeGreaterThanOrEqual(1);
});
