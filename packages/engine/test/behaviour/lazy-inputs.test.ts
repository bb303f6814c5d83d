import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  mix,
  openSuite,
  preview,
  type Suite,
  save,
  stubImage,
  stubMask,
} from "../support/suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite[Symbol.asyncDispose]());

describe("lazy inputs", () => {
  test("a picture that the mask hides is never computed", async () => {
    const run = await suite.run({
      black: stubImage("BLACK"),
      white: stubImage("WHITE"),
      mask: stubMask(0),
      mix: mix("black", "white", "mask"),
      out: save("mix"),
    });
    expect(await run.pixels("out")).toEqual([0]);
    expect(["black", "white", "mask", "mix"].map(run.didRun)).toEqual([true, false, true, true]);
  });

  test("what is needed for any entry of a list is computed, and each entry is mixed by its own mask", async () => {
    const run = await suite.run({
      zero: stubMask(0),
      half: stubMask(0.5),
      one: stubMask(1),
      masks: ["TestMakeListNode", { value1: ["zero", 0], value2: ["half", 0], value3: ["one", 0] }],
      black: stubImage("BLACK"),
      white: stubImage("WHITE"),
      mix: mix("black", "white", "masks"),
      batch: ["RebatchImages", { images: ["mix", 0], batch_size: 3 }],
      out: save("batch"),
    });
    expect(await run.pixels("out")).toEqual([0, 127, 255]);
  });

  test("a slow branch that is not needed costs no time", async () => {
    const run = await suite.run({
      black: stubImage("BLACK"),
      white: stubImage("WHITE"),
      fast: ["TestSleep", { value: ["black", 0], seconds: 0.02 }],
      slow: ["TestSleep", { value: ["white", 0], seconds: 30 }],
      mask: stubMask(0),
      mix: mix("fast", "slow", "mask"),
      out: save("mix"),
    });
    expect([run.state, run.didRun("fast"), run.didRun("slow")]).toEqual(["succeeded", true, false]);
  });

  test("an async check may ask for an input, and then finds it there", async () => {
    const run = await suite.run({
      black: stubImage("BLACK", 16),
      white: stubImage("WHITE", 16),
      check: [
        "TestAsyncLazyCheck",
        { input1: ["black", 0], input2: ["white", 0], condition: true },
      ],
      out: preview("check"),
    });
    expect(await run.pixels("out")).toEqual([255]);
    expect([run.didRun("black"), run.didRun("white")]).toEqual([true, false]);
    const starts = run.events.filter(
      (event) => event.type === "node-start" && event.nodeId === "check",
    );
    expect(starts).toHaveLength(2);
  });

  test("literals are never missing, so a check never waits for them", async () => {
    const run = await suite.run({
      check: ["TestAsyncLazyCheck", { input1: 1, input2: 2, condition: false }],
      out: preview("check"),
    });
    expect(run.state).toBe("succeeded");
    expect(run.events.filter(({ type }) => type === "node-start")).toHaveLength(2);
  });
});
