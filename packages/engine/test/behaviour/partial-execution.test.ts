import { afterEach, beforeEach, describe, expect, test } from "vitest";
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
beforeEach(async () => {
  suite = await openSuite();
});
afterEach(() => suite[Symbol.asyncDispose]());

const passing = (image: string, value: number) =>
  ["TestOutputNodeWithSocketOutput", { image: [image, 0], value }] as const;

describe("with targets", () => {
  test("only these outputs run, and what they need", async () => {
    const run = await suite.run(
      { a: stubImage("BLACK"), b: stubImage("WHITE"), out1: preview("a"), out2: preview("b") },
      { targets: ["out1"] },
    );
    expect(["a", "out1", "b", "out2"].map(run.didRun)).toEqual([true, true, false, false]);
    expect(Object.keys(run.outputs)).toEqual(["out1"]);
  });

  test("an output that a target needs runs as well", async () => {
    const run = await suite.run(
      {
        image: stubImage("WHITE"),
        middle: passing("image", 0.5),
        out: preview("middle"),
        other: preview("image"),
      },
      { targets: ["out"] },
    );
    expect(["middle", "out", "other"].map(run.didRun)).toEqual([true, true, false]);
    expect(await run.pixels("out")).toEqual([127]);
  });

  test("of a chain of outputs only those above the target run", async () => {
    const run = await suite.run(
      {
        image: stubImage("WHITE"),
        first: passing("image", 0.8),
        second: passing("first", 0.5),
        third: passing("second", 0.5),
        out: preview("third"),
      },
      { targets: ["second"] },
    );
    expect(["first", "second", "third", "out"].map(run.didRun)).toEqual([true, true, false, false]);
  });

  test("neither the branch that a lazy input does not need nor another target's branch runs", async () => {
    const run = await suite.run(
      {
        black: stubImage("BLACK"),
        white: stubImage("WHITE"),
        noise: stubImage("NOISE"),
        mask: stubMask(0),
        mix: mix("black", "white", "mask"),
        out1: save("mix"),
        out2: preview("noise"),
      },
      { targets: ["out1"] },
    );
    expect(["black", "white", "noise"].map(run.didRun)).toEqual([true, false, false]);
  });

  test("an empty list is a prompt without outputs", async () => {
    const run = await suite.run(
      { image: stubImage("WHITE"), out: preview("image") },
      { targets: [] },
    );
    expect([run.state, run.failure?.error.type]).toEqual(["failed", "prompt_no_outputs"]);
  });
});
