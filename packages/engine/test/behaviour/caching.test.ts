import { describe, expect, test } from "vitest";
import type { CachePolicy } from "../../src/execute/result-cache.ts";
import { mix, openSuite, preview, save, stubImage, stubMask } from "../support/suite.ts";

const policies: CachePolicy[] = [{ kind: "classic" }, { kind: "lru", entries: 100 }];

const mixed = (mask: number) => ({
  a: stubImage("NOISE"),
  b: stubImage("NOISE"),
  mask: stubMask(mask),
  mix: mix("a", "b", "mask"),
  out: save("mix"),
});

describe.each(policies)("with the $kind cache", (policy) => {
  test("the same prompt runs no node again", async () => {
    await using suite = await openSuite(policy);
    await suite.run(mixed(0.5));
    const again = await suite.run(mixed(0.5));
    expect(again.events.some(({ type }) => type === "node-start")).toBe(false);
    for (const id of Object.keys(mixed(0.5))) expect(again.wasCached(id)).toBe(true);
  });

  test("an output from the cache says again what it showed", async () => {
    await using suite = await openSuite(policy);
    const first = await suite.run(mixed(0.5));
    const again = await suite.run(mixed(0.5));
    expect(again.outputs).toEqual(first.outputs);
    expect(again.events).toContainEqual({
      type: "node-output",
      nodeId: "out",
      output: first.outputs.out,
    });
  });

  test("a change runs the nodes below it and no others", async () => {
    await using suite = await openSuite(policy);
    await suite.run(mixed(0.5));
    const changed = await suite.run(mixed(0.4));
    expect(["a", "b", "mask", "mix", "out"].map(changed.didRun)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ]);
  });

  test("a node that calls itself changed runs again, with everything below it", async () => {
    await using suite = await openSuite(policy);
    const graph = (should_change: boolean) => ({
      image: stubImage("BLACK"),
      changing: ["TestCustomIsChanged", { image: ["image", 0], should_change }] as const,
      out: save("changing"),
    });
    const runs = [];
    for (const shouldChange of [false, false, true, true])
      runs.push(await suite.run(graph(shouldChange)));
    expect(runs.map((run) => run.didRun("changing"))).toEqual([true, false, true, true]);
    expect(runs.map((run) => run.didRun("out"))).toEqual([true, false, true, true]);
    expect(runs.map((run) => run.didRun("image"))).toEqual([true, false, false, false]);
  });

  test("a link is not there when a node says whether it has changed", async () => {
    await using suite = await openSuite(policy);
    const graph = {
      image: stubImage("WHITE"),
      scaled: ["TestIsChangedWithConstants", { image: ["image", 0], value: 0.25 }] as const,
      out: save("scaled"),
    };
    expect(await (await suite.run(graph)).pixels("out")).toEqual([63]);
    const again = await suite.run(graph);
    expect(again.didRun("scaled")).toBe(false);
  });

  test("two equal outputs of one prompt share one result, and both show it", async () => {
    await using suite = await openSuite(policy);
    const run = await suite.run({
      image: stubImage("WHITE"),
      one: save("image"),
      two: save("image"),
    });
    expect(run.outputs.one).toEqual(run.outputs.two);
    expect([await run.pixels("one"), await run.pixels("two")]).toEqual([[255], [255]]);
    expect([run.didRun("one"), run.didRun("two")].filter(Boolean)).toHaveLength(1);
  });

  test("a node that looks at its id shares nothing with an equal node of another id", async () => {
    await using suite = await openSuite(policy);
    const graph = (id: string) => ({
      image: stubImage("WHITE"),
      [id]: ["TestSleep", { value: ["image", 0], seconds: 0.01 }] as const,
      out: preview(id),
    });
    await suite.run(graph("sleep"));
    expect((await suite.run(graph("other"))).didRun("other")).toBe(true);
  });

  test("results of async nodes are cached like all others", async () => {
    await using suite = await openSuite(policy);
    const graph = {
      image: stubImage("WHITE"),
      first: ["TestSleep", { value: ["image", 0], seconds: 0.02 }] as const,
      second: [
        "TestAsyncResourceUser",
        { value: ["first", 0], resource_id: "r", duration: 0.01 },
      ] as const,
      out: preview("second"),
    };
    await suite.run(graph);
    const again = await suite.run(graph);
    expect(Object.keys(graph).map(again.wasCached)).toEqual([true, true, true, true]);
  });
});
