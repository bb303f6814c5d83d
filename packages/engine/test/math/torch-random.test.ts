/**
 * Against torch.randn(n, generator=torch.Generator().manual_seed(seed)) of torch 1.13 on an AVX2 machine,
 * recorded as hexadecimal floats (fixtures/randn.json). Tolerance: none, every bit must agree.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import { createTorchRng } from "../../src/math/torch-random.ts";
import { hexFloat } from "../support/hex-float.ts";

const recorded = z
  .object({ values: z.record(z.string(), z.array(z.string())) })
  .parse(JSON.parse(readFileSync(new URL("../fixtures/randn.json", import.meta.url), "utf8")));

test.each(Object.entries(recorded.values))("seed/count %s gives torch's numbers", (key, values) => {
  const [seed = "", count = ""] = key.split("/");
  const drawn = createTorchRng(BigInt(seed)).randn(Number(count));
  expect([...drawn]).toEqual(values.map(hexFloat));
});

test("only the low 32 bits of a seed count, whether it comes as a number or a bigint", () => {
  const wanted = createTorchRng(5).randn(40);
  expect(createTorchRng(2 ** 32 + 5).randn(40)).toEqual(wanted);
  expect(createTorchRng(2n ** 63n + 5n).randn(40)).toEqual(wanted);
  const largest = createTorchRng(2n ** 64n - 1n).randn(40);
  expect(largest).toEqual(createTorchRng(2 ** 32 - 1).randn(40));
  expect(largest).not.toEqual(wanted);
});

test("a batch drawn at once starts with the first picture's noise where that is a multiple of 16", () => {
  const batch = createTorchRng(3).randn(3 * 64);
  const one = createTorchRng(3);
  expect([...batch]).toEqual([...one.randn(64), ...one.randn(64), ...one.randn(64)]);
});

test("draws of fewer than 16 numbers go on where the last one stopped, the odd sine included", () => {
  const whole = createTorchRng(11).randn(15);
  const parts = createTorchRng(11);
  expect([...parts.randn(3), ...parts.randn(7), ...parts.randn(5)]).toEqual([...whole]);
});
