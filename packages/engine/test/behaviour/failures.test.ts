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

const asleep = (seconds: number) => ["TestSleep", { value: ["image", 0], seconds }] as const;

describe("a node that fails", () => {
  test("ends the prompt and is named, with its class and its inputs", async () => {
    const run = await suite.run({
      big: stubImage("WHITE", 64),
      small: stubImage("WHITE", 32),
      mask: stubMask(0.5, 64),
      mix: mix("big", "small", "mask"),
      out: save("mix"),
    });
    expect(run.state).toBe("failed");
    expect(run.error?.node).toMatchObject({ nodeId: "mix", nodeType: "TestLazyMixImages" });
    expect(Object.keys(run.error?.node?.inputs ?? {})).toEqual(["image1", "image2", "mask"]);
    expect(run.didRun("out")).toBe(false);
  });

  test("after a while is named as well", async () => {
    const run = await suite.run({
      image: stubImage("WHITE"),
      fails: ["TestAsyncError", { value: ["image", 0], error_after: 0.02 }],
      out: save("fails"),
    });
    expect(run.error?.node).toMatchObject({ nodeId: "fails", exceptionType: "RuntimeError" });
  });

  test("is reported at once while others still wait, and these are cancelled", async () => {
    const began = performance.now();
    const run = await suite.run({
      image: stubImage("WHITE"),
      sleep: asleep(30),
      fails: ["TestSyncError", { value: ["image", 0] }],
      out1: preview("sleep"),
      out2: preview("fails"),
    });
    expect(run.error?.node?.nodeId).toBe("fails");
    expect(performance.now() - began).toBeLessThan(5000);
  });

  test("for lack of time says so", async () => {
    const graph = (operation_time: number) => ({
      image: stubImage("WHITE"),
      work: ["TestAsyncTimeout", { value: ["image", 0], timeout: 0.1, operation_time }] as const,
      out: preview("work"),
    });
    expect((await suite.run(graph(10))).error?.message).toContain("timed out after 0.1 seconds");
    expect((await suite.run({ ...graph(0.1), other: preview("image") })).state).toBe("succeeded");
  });

  test("harms no later prompt", async () => {
    const failing = await suite.run({
      image: stubImage("WHITE"),
      fails: ["TestAsyncError", { value: ["image", 0], error_after: 0.01 }],
      out: save("fails"),
    });
    expect(failing.state).toBe("failed");
    const next = await suite.run({
      image: stubImage("WHITE"),
      sleep: asleep(0.01),
      out: save("sleep"),
    });
    expect(await next.pixels("out")).toEqual([255]);
  });
});

test("an expansion whose nodes need each other fails at the node that made it", async () => {
  const run = await suite.run({
    black: stubImage("BLACK", 512),
    white: stubImage("WHITE", 512),
    cycle: ["TestDynamicDependencyCycle", { input1: ["black", 0], input2: ["white", 0] }],
    out: save("cycle"),
  });
  expect(run.state).toBe("failed");
  expect(run.error?.node).toMatchObject({
    nodeId: "cycle",
    exceptionType: "graph.DependencyCycleError",
    inputs: {},
  });
});

describe("a prompt that is cancelled", () => {
  test("in the middle of a wait ends at once, with the node that was running", async () => {
    const stop = new AbortController();
    const began = performance.now();
    const run = await suite.run(
      { image: stubImage("WHITE"), sleep: asleep(30), out: save("sleep") },
      {
        signal: stop.signal,
        onEvent: (event) => {
          if (event.type === "node-progress") stop.abort();
        },
      },
    );
    expect([run.state, run.error?.node?.nodeId]).toEqual(["cancelled", "sleep"]);
    expect(performance.now() - began).toBeLessThan(5000);
    expect(run.didRun("out")).toBe(false);
  });

  test("frees what its nodes held", async () => {
    const graph = (duration: number) => ({
      image: stubImage("WHITE"),
      uses: [
        "TestAsyncResourceUser",
        { value: ["image", 0], resource_id: "one", duration },
      ] as const,
      out: preview("uses"),
    });
    const stop = new AbortController();
    const cancelled = await suite.run(graph(1), {
      signal: stop.signal,
      onEvent: (event) => {
        if (event.type === "node-start" && event.nodeId === "uses")
          setImmediate(() => stop.abort());
      },
    });
    expect(cancelled.state).toBe("cancelled");
    expect((await suite.run(graph(0.01))).state).toBe("succeeded");
  });
});
