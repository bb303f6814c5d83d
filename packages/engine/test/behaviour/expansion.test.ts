import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSuite, overlapped, preview, type Suite, save, stubImage } from "../support/suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite[Symbol.asyncDispose]());

/** Each turn halves a white picture by mixing it with black. */
const loop = (remaining: number) => ({
  black: stubImage("BLACK"),
  white: stubImage("WHITE"),
  o: ["TestForLoopOpen", { remaining, initial_value1: ["white", 0] }] as const,
  average: ["TestVariadicAverage", { input1: ["o", 2], input2: ["black", 0] }] as const,
  changed: ["TestCustomIsChanged", { image: ["average", 0], should_change: true }] as const,
  c: ["TestForLoopClose", { flow_control: ["o", 0], initial_value1: ["changed", 0] }] as const,
  out: save("c"),
});

describe("a loop", () => {
  test.each([1, 2, 3, 4])(
    "of %d turns runs its body as often, each turn on what the last one made",
    async (turns) => {
      const run = await suite.run(loop(turns));
      expect(await run.pixels("out")).toEqual([Math.floor(255 / 2 ** turns)]);
      expect(run.didRun("changed")).toBe(true);
    },
  );

  test("names the nodes of its copies after the node that expanded, and shows them on the user's", async () => {
    const run = await suite.run(loop(3));
    const started = run.events.flatMap((event) => (event.type === "node-start" ? [event] : []));
    expect(started.map(({ nodeId }) => nodeId)).toEqual(
      expect.arrayContaining([
        "c.0.0.1",
        "c.0.0.2",
        "c.0.0.3",
        "c.0.0.3.0.0.o",
        "c.0.0.3.0.0.average",
        "c.0.0.3.0.0.Recurse",
        "c.0.0.3.0.0.Recurse.0.0.c.0.0.3.0.0.o",
      ]),
    );
    const copy = started.find(
      ({ nodeId }) => nodeId === "c.0.0.3.0.0.Recurse.0.0.c.0.0.3.0.0.average",
    );
    expect(copy).toMatchObject({ displayNodeId: "average", realNodeId: "c" });
  });
});

describe("an expansion", () => {
  test("may come from some entries of a list while others answer plainly", async () => {
    const run = await suite.run({
      a: ["StubFloat", { value: 0.1 }],
      b: ["StubFloat", { value: 0.2 }],
      c: ["StubFloat", { value: 0.3 }],
      list: ["TestMakeListNode", { value1: ["a", 0], value2: ["b", 0], value3: ["c", 0] }],
      v: ["TestMixedExpansionReturns", { input1: ["list", 0] }],
      grey: save("v", 0),
      white: save("v", 1),
    });
    expect(await run.pixels("grey")).toEqual([25, 51, 76]);
    expect(await run.pixels("white")).toEqual([255, 255, 255]);
    expect(["v.2.0.1", "v.2.0.4"].map(run.didRun)).toEqual([true, true]);
  });

  test("runs its async nodes side by side", async () => {
    const run = await suite.run({
      black: stubImage("BLACK"),
      white: stubImage("WHITE"),
      v: [
        "TestParallelSleep",
        {
          image1: ["white", 0],
          image2: ["black", 0],
          image3: ["white", 0],
          sleep1: 0.2,
          sleep2: 0.25,
          sleep3: 0.3,
        },
      ],
      out: save("v"),
    });
    expect(await run.pixels("out")).toEqual([170]);
    expect(overlapped(run, ["v.0.0.1", "v.0.0.2", "v.0.0.3"])).toBe(true);
  });

  test("may have as many nodes as an input says", async () => {
    const graph = (num_async_nodes: number) => ({
      black: stubImage("BLACK"),
      white: stubImage("WHITE"),
      v: [
        "TestDynamicAsyncGeneration",
        { image1: ["white", 0], image2: ["black", 0], num_async_nodes, sleep_duration: 0.1 },
      ] as const,
      out: preview("v"),
    });
    const five = await suite.run(graph(5));
    expect(await five.pixels("out")).toEqual([153]);
    expect(overlapped(five, ["v.0.0.1", "v.0.0.2", "v.0.0.3", "v.0.0.4", "v.0.0.5"])).toBe(true);
    expect(await (await suite.run(graph(1))).pixels("out")).toEqual([255]);
  });

  test("that is an output without pictures shows nothing when it is cached", async () => {
    const graph = {
      white: stubImage("WHITE"),
      v: [
        "TestParallelSleep",
        {
          image1: ["white", 0],
          image2: ["white", 0],
          image3: ["white", 0],
          sleep1: 0,
          sleep2: 0,
          sleep3: 0,
        },
      ] as const,
    };
    await suite.run(graph);
    const again = await suite.run(graph);
    expect(again.events).toContainEqual({ type: "node-output", nodeId: "v", output: null });
    expect(again.outputs.v).toBeUndefined();
  });
});
