import { expect, test } from "vitest";
import { type Fault, faultPlan, faults } from "./faults.ts";
import { seeded } from "./random.ts";

function first(count: number, seed: number): string[] {
  const plan = faultPlan(faults, seeded(seed));
  return Array.from({ length: count }, () => plan.next().value.name);
}

const everyName = new Set(faults.map(({ name }) => name));

test("the first round strikes every fault once, in an order that the seed chooses", () => {
  const [one, two] = [first(faults.length, 1), first(faults.length, 2)];
  expect(new Set(one)).toEqual(everyName);
  expect(new Set(two)).toEqual(everyName);
  expect(one).not.toEqual(two);
  expect(first(faults.length, 1)).toEqual(one);
});

test("later rounds strike each fault as often as it weighs", () => {
  const strike = async () => {};
  const few: Fault[] = [
    { name: "often", weight: 3, strike },
    { name: "seldom", weight: 1, strike },
  ];
  const plan = faultPlan(few, seeded(1));
  const names = Array.from({ length: 10 }, () => plan.next().value.name);
  expect(new Set(names.slice(0, 2))).toEqual(new Set(["often", "seldom"]));
  for (const round of [names.slice(2, 6), names.slice(6, 10)]) {
    expect(round.filter((name) => name === "often")).toHaveLength(3);
    expect(round).toContain("seldom");
  }
});
