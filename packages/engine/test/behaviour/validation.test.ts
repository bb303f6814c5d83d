import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  openSuite,
  preview,
  type Suite,
  type SuiteRun,
  save,
  stubImage,
  stubMask,
} from "../support/suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite[Symbol.asyncDispose]());

const reasons = ({ failure }: SuiteRun, id: string) => failure?.node_errors[id]?.errors ?? [];
const types = (run: SuiteRun, id: string) => reasons(run, id).map(({ type }) => type);

describe("a class that validates itself", () => {
  test.each([
    ["5", "refused"],
    ['"foo"', "refused"],
    ["true", "refused"],
    ["5.0", "accepted"],
  ])(
    "sees that the literal %s is %s where a float or a picture is wanted",
    async (literal, verdict) => {
      const run = await suite.run(
        `{"node": {"class_type": "TestCustomValidation1", "inputs": {"input1": ${literal}, "input2": 3.0}},
        "out": {"class_type": "PreviewImage", "inputs": {"images": ["node", 0]}}}`,
      );
      expect(run.state).toBe(verdict === "accepted" ? "succeeded" : "failed");
      if (verdict === "refused")
        expect(types(run, "node")).toEqual([
          "custom_validation_failed",
          "custom_validation_failed",
        ]);
    },
  );

  test("leaves the types of links to the engine if it does not ask for them", async () => {
    const fromInt = await suite.run({
      stub: ["StubInt", { value: 5 }],
      node: ["TestCustomValidation1", { input1: ["stub", 0], input2: 3.5 }],
      out: save("node"),
    });
    expect(types(fromInt, "node")).toEqual(["return_type_mismatch"]);
    const fromMask = await suite.run({
      stub: ["StubMask", { value: 5 }],
      node: ["TestCustomValidation1", { input1: ["stub", 0], input2: 3.5 }],
      out: save("node"),
    });
    // The mismatch stops validation before it finds out that the stub lacks inputs.
    expect(types(fromMask, "node")).toEqual(["return_type_mismatch"]);
    expect(types(fromMask, "stub")).toEqual([]);
  });

  test.each(["TestCustomValidation2", "TestCustomValidation3"])(
    "checks the types of links itself: %s",
    async (name) => {
      const graph = (stub: string, value: number) => ({
        stub: [stub, { value }] as const,
        node: [name, { input1: ["stub", 0], input2: 3.5 }] as const,
        out: preview("node"),
      });
      const fromInt = await suite.run(graph("StubInt", 5));
      expect(types(fromInt, "node")).toContain("custom_validation_failed");
      expect(
        reasons(fromInt, "node")
          .map(({ details }) => details)
          .join(),
      ).toContain("Invalid type of input1: INT");
      expect((await suite.run(graph("StubFloat", 0.5))).state).toBe("succeeded");
    },
  );

  test("gets null for a link, and the engine checks the link's type", async () => {
    const graph = (stub: string) => ({
      stub: [stub, { value: 5 }] as const,
      node: ["TestCustomValidation4", { input1: ["stub", 0], input2: 0.1 }] as const,
      out: preview("node"),
    });
    expect(types(await suite.run(graph("StubInt")), "node")).toEqual(["return_type_mismatch"]);
    expect((await suite.run(graph("StubFloat"))).state).toBe("succeeded");
  });

  test.each([
    [0, 0.5, "succeeded"],
    [0, 5, "succeeded"],
    [0, 7, "failed"],
  ])(
    "takes all inputs, so min and max are its own business: %d and %d",
    async (input1, input2, state) => {
      const run = await suite.run({
        node: ["TestCustomValidation5", { input1, input2 }],
        out: preview("node"),
      });
      expect(run.state).toBe(state);
      if (state === "failed") expect(reasons(run, "node")).toHaveLength(2);
    },
  );

  test("is not asked about what a link will bring", async () => {
    const run = await suite.run({
      seven: ["StubFloat", { value: 7 }],
      node: ["TestCustomValidation5", { input1: 0.5, input2: ["seven", 0] }],
      out: preview("node"),
    });
    expect(run.state).toBe("succeeded");
  });

  test("may take its time", async () => {
    const graph = (value: number) => ({
      node: ["TestAsyncValidation", { value, threshold: 10 }] as const,
      out: preview("node"),
    });
    expect((await suite.run(graph(5))).state).toBe("succeeded");
    const refused = await suite.run(graph(15));
    expect(reasons(refused, "node").map(({ details }) => details)).toEqual([
      "value - Value 15 exceeds threshold 10",
      "threshold - Value 15 exceeds threshold 10",
    ]);
    const other = await suite.run({
      node: ["TestAsyncValidationError", { value: 15, max_value: 10 }],
      out: preview("node"),
    });
    expect(types(other, "node")).toContain("custom_validation_failed");
  });

  test("that breaks on a link's null is reported as broken at its node", async () => {
    const run = await suite.run({
      stub: ["StubFloat", { value: 1 }],
      node: ["TestAsyncValidation", { value: ["stub", 0], threshold: 10 }],
      out: preview("node"),
    });
    expect(reasons(run, "node")).toEqual([
      expect.objectContaining({
        type: "exception_during_inner_validation",
        extra_info: expect.objectContaining({ exception_type: "TypeError", input_name: "images" }),
      }),
    ]);
  });

  test("and takes whole lists may be used in a prompt", async () => {
    const run = await suite.run({
      a: stubImage("BLACK"),
      b: stubImage("WHITE"),
      list: ["TestMakeListNode", { value1: ["a", 0], value2: ["b", 0] }],
      all: ["TestListToAccumulationNode", { list: ["list", 0] }],
      last: ["TestAccumulationGetItemNode", { accumulation: ["all", 0], index: -1 }],
      out: preview("last"),
    });
    expect(await run.pixels("out")).toEqual([255]);
  });
});

describe("a prompt", () => {
  test("whose nodes need each other is refused for the input that is missing", async () => {
    const run = await suite.run({
      black: stubImage("BLACK"),
      white: stubImage("WHITE"),
      mask: stubMask(0.5),
      mix1: ["TestLazyMixImages", { image1: ["black", 0], mask: ["mask", 0] }],
      mix2: ["TestLazyMixImages", { image1: ["mix1", 0], image2: ["white", 0], mask: ["mask", 0] }],
      out: save("mix2"),
    });
    expect(types(run, "mix1")).toEqual(["required_input_missing"]);
  });

  test("whose nodes link to each other in a circle is refused, and the circle named", async () => {
    const run = await suite.run({
      black: stubImage("BLACK"),
      mask: stubMask(0.5),
      mix1: ["TestLazyMixImages", { image1: ["black", 0], image2: ["mix2", 0], mask: ["mask", 0] }],
      mix2: ["TestLazyMixImages", { image1: ["mix1", 0], image2: ["black", 0], mask: ["mask", 0] }],
      out: save("mix2"),
    });
    expect(run.failure?.error.details).toContain("mix2 -> mix1 -> mix2");
    expect(types(run, "mix1")).toEqual(["dependency_cycle"]);
  });

  test("runs its valid outputs although another one links to a node that is gone, which may come back", async () => {
    const graph = {
      black: stubImage("BLACK"),
      white: stubImage("WHITE"),
      zero: stubMask(0),
      one: stubMask(1),
      mix1: [
        "TestLazyMixImages",
        { image1: ["black", 0], image2: ["white", 0], mask: ["zero", 0] },
      ] as const,
      mix2: [
        "TestLazyMixImages",
        { image1: ["black", 0], image2: ["white", 0], mask: ["one", 0] },
      ] as const,
      out1: save("mix1"),
      out2: save("mix2"),
    };
    await suite.run(graph);
    const { one: _, ...without } = graph;
    const run = await suite.run(without);
    expect(run.state).toBe("succeeded");
    expect(await run.pixels("out1")).toEqual([0]);
    expect(run.outputs.out2).toBeUndefined();
    expect(Object.keys(run.nodeErrors ?? {})).toEqual(["mix2"]);
    expect(await (await suite.run(graph)).pixels("out2")).toEqual([255]);
  });
});
