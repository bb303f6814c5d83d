import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSuite, overlapped, preview, type Suite, save, stubImage } from "../support/suite.ts";

let suite: Suite;
beforeAll(async () => {
  suite = await openSuite();
});
afterAll(() => suite[Symbol.asyncDispose]());

const sleep = (image: string, seconds: number) =>
  ["TestSleep", { value: [image, 0], seconds }] as const;

describe("async nodes", () => {
  test("hand on their values like all others", async () => {
    const run = await suite.run({
      image: stubImage("BLACK"),
      sleep: sleep("image", 0.02),
      out: save("sleep"),
    });
    expect(await run.pixels("out")).toEqual([0]);
    expect(run.didRun("sleep")).toBe(true);
  });

  test("that do not need each other overlap", async () => {
    const run = await suite.run({
      image: stubImage("BLACK"),
      sleep1: sleep("image", 0.15),
      sleep2: sleep("image", 0.2),
      sleep3: sleep("image", 0.25),
      out1: preview("sleep1"),
      out2: preview("sleep2"),
      out3: preview("sleep3"),
    });
    expect(overlapped(run, ["sleep1", "sleep2", "sleep3"])).toBe(true);
    expect(["out1", "out2", "out3"].map(run.didRun)).toEqual([true, true, true]);
  });

  test("are waited for by what needs them", async () => {
    const run = await suite.run({
      white: stubImage("WHITE"),
      black: stubImage("BLACK"),
      sleep1: sleep("white", 0.05),
      sleep2: sleep("black", 0.05),
      average: ["TestVariadicAverage", { input1: ["sleep1", 0], input2: ["sleep2", 0] }],
      out: save("average"),
    });
    expect(await run.pixels("out")).toEqual([127]);
  });

  test("mix with sync ones", async () => {
    const run = await suite.run({
      white: stubImage("WHITE"),
      black: stubImage("BLACK"),
      mask: ["StubMask", { value: 0.5, height: 32, width: 32, batch_size: 1 }],
      sleep1: sleep("black", 0.05),
      sleep2: sleep("white", 0.05),
      mix: [
        "TestLazyMixImages",
        { image1: ["sleep1", 0], image2: ["sleep2", 0], mask: ["mask", 0] },
      ],
      average: ["TestVariadicAverage", { input1: ["mix", 0], input2: ["black", 0] }],
      out: save("average"),
    });
    expect(await run.pixels("out")).toEqual([63]);
  });

  test("that share a limit wait for each other, prompt after prompt", async () => {
    const limited = (node_id: number) =>
      ["TestAsyncConcurrentLimit", { value: ["image", 0], duration: 0.1, node_id }] as const;
    for (const base of [0, 10]) {
      const began = performance.now();
      const run = await suite.run({
        image: stubImage("WHITE"),
        ...Object.fromEntries([1, 2, 3, 4].map((i) => [`limited${i}`, limited(base + i)])),
        ...Object.fromEntries([1, 2, 3, 4].map((i) => [`out${i}`, preview(`limited${i}`)])),
      });
      expect(run.state).toBe("succeeded");
      expect(performance.now() - began).toBeGreaterThan(190);
    }
  });

  test("report how far they are", async () => {
    const run = await suite.run({
      images: stubImage("WHITE", 8, 3),
      batch: ["TestAsyncBatchProcessing", { images: ["images", 0], process_time_per_item: 0.01 }],
      progress: ["TestAsyncProgressUpdate", { value: ["batch", 0], sleep_seconds: 0.03 }],
      blocking: ["TestSyncProgressUpdate", { value: ["progress", 0], sleep_seconds: 0.03 }],
      out: preview("blocking"),
    });
    expect(await run.pixels("out")).toEqual([0, 0, 0]);
    const progress = (id: string) =>
      run.events.flatMap((event) =>
        event.type === "node-progress" && event.nodeId === id ? [event] : [],
      );
    expect(progress("batch").map(({ value, max }) => [value, max])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    for (const id of ["progress", "blocking"]) {
      expect(progress(id).length).toBeGreaterThan(1);
      expect(progress(id).at(-1)).toMatchObject({ value: 1, max: 1 });
    }
  });
});

test("two prompts at a time report each to its own reader only", async () => {
  const graph = (name: string) => ({
    image: stubImage("WHITE"),
    [name]: sleep("image", 0.05),
    out: preview(name),
  });
  const [a, b] = await Promise.all([suite.run(graph("a")), suite.run(graph("b"))]);
  const ids = (run: typeof a) =>
    new Set(run.events.flatMap((event) => ("nodeId" in event ? [event.nodeId] : [])));
  expect([ids(a).has("a"), ids(a).has("b")]).toEqual([true, false]);
  expect([ids(b).has("a"), ids(b).has("b")]).toEqual([false, true]);
});
