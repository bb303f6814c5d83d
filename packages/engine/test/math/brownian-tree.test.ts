/**
 * Against torchsde 0.2.6 on torch 1.13 (reference/brownian-tree.py). Tolerance: none, every bit must agree.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { createBrownianTree } from "../../src/math/brownian-tree.ts";
import { hexFloat } from "../support/hex-float.ts";

const rows = z
  .array(
    z.object({
      seed: z.string(),
      start: z.number(),
      end: z.number(),
      from: z.number(),
      to: z.number(),
      increment: z.array(z.string()),
    }),
  )
  .parse(
    JSON.parse(readFileSync(new URL("../fixtures/brownian-tree.json", import.meta.url), "utf8")),
  );

test.each(rows)("seed $seed from $from to $to is torchsde's increment", (row) => {
  const { seed, start, end, from, to } = row;
  const tree = createBrownianTree({ seed: BigInt(seed), start, end, count: row.increment.length });
  expect([...tree.increment(from, to)]).toEqual(row.increment.map(hexFloat));
});

test("what is asked for does not change what is answered", () => {
  const options = { seed: 9, start: 0.1, end: 3, count: 20 };
  const fresh = createBrownianTree(options).increment(1.25, 1.5);
  const used = createBrownianTree(options);
  for (let i = 0; i < 60; i++) used.increment(0.1 + i / 50, 0.13 + i / 40);
  expect(used.increment(1.25, 1.5)).toEqual(fresh);
});

test("an empty interval, or one outside of the tree, has no increment", () => {
  const tree = createBrownianTree({ seed: 9, start: 1, end: 2, count: 3 });
  expect([...tree.increment(1.5, 1.5)]).toEqual([0, 0, 0]);
  expect([...tree.increment(2, 5)]).toEqual([0, 0, 0]);
});

test("increments have the length of their interval as variance", () => {
  const tree = createBrownianTree({ seed: 1, start: 0, end: 4, count: 20_000 });
  const increment = tree.increment(1.3, 2.7);
  const variance = increment.reduce((sum, value) => sum + value * value, 0) / increment.length;
  expect(Math.abs(variance - 1.4)).toBeLessThan(0.05);
});
