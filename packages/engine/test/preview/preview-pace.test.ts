import { expect, test } from "vitest";
import { createPace } from "../../src/preview/preview-pace.ts";

/** 400 steps of so many ms, those with a picture longer by `lossMs`; every step asks for one. */
function paced(stepMs: number, lossMs: number) {
  const pace = createPace(0.03);
  let [pictures, hasPicture] = [0, false];
  for (let step = 0; step < 400; step++) {
    pace.note(stepMs + (hasPicture ? lossMs : 0), hasPicture);
    hasPicture = pace.hasRoom;
    if (hasPicture) pictures += 1;
  }
  return { pictures, share: (pictures * lossMs) / (400 * stepMs) };
}

test("pictures that take 7 ms of steps of 50 ms come as often as 3 % allow", () => {
  const { pictures, share } = paced(50, 7);
  expect(share).toBeLessThanOrEqual(0.031);
  expect(pictures).toBeGreaterThan(60);
});

test("beside steps of a second every step may have its picture", () => {
  expect(paced(1000, 14).pictures).toBe(400);
});

test("pictures that take nothing come with every step but the one that shows it", () => {
  expect(paced(50, 0).pictures).toBeGreaterThanOrEqual(398);
});

test("the first picture waits for nothing", () => {
  expect(createPace(0.03).hasRoom).toBe(true);
});
