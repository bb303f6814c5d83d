import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { defineNode, float, image, tensor } from "../../src/index.ts";
import { createRunner, type ShortGraph } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

setFlagsFromString("--expose-gc");
const collectGarbage: () => void = runInNewContext("gc");

const MEGABYTE = 2 ** 20;

/** Buffers are given back a moment after their owners are gone, so a settled figure takes two rounds. */
async function settledMegabytes(): Promise<number> {
  collectGarbage();
  await new Promise((resolve) => setTimeout(resolve, 50));
  return megabytesInUse();
}

function megabytesInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / MEGABYTE;
}

const picture = defineNode({
  name: "Picture",
  category: "toy",
  inputs: { value: float() },
  outputs: ["IMAGE"],
  run: ({ value }) => [tensor([1, 32, 32, 3], new Float32Array(32 * 32 * 3).fill(value))],
});

const invert = defineNode({
  name: "Invert",
  category: "toy",
  inputs: { image: image() },
  outputs: ["IMAGE"],
  run: ({ image: { shape, data } }) => [
    tensor(
      shape,
      data.map((value) => 1 - value),
    ),
  ],
});

const done = defineNode({
  name: "Done",
  category: "toy",
  inputs: { image: image() },
  outputs: [],
  isOutputNode: true,
  run: () => ({}),
});

test("2,000 prompts leave memory as it was", async () => {
  const { run } = createRunner([...toyNodes, picture, invert, done]);
  const graph = (value: number): ShortGraph => ({
    picture: ["Picture", { value }],
    invert: ["Invert", { image: ["picture", 0] }],
    many: ["AddMany", { a: value, times: 3 }],
    out: ["Show", { value: ["many", 0] }],
    [`out${value}`]: ["Done", { image: ["invert", 0] }],
  });
  for (let index = 0; index < 200; index++) await run(graph(index));
  const before = await settledMegabytes();
  for (let index = 200; index < 2200; index++) {
    expect((await run(graph(index))).state).toBe("succeeded");
  }
  // Were the 4,000 pictures kept, this would be 47 MB.
  expect((await settledMegabytes()) - before).toBeLessThan(3);
});

test.each([{ kind: "none" } as const, { kind: "memory", bytes: MEGABYTE } as const])(
  "with the cache $kind a run lets go of pictures that no node needs any more",
  async (cache) => {
    const { run } = createRunner([picture, invert, done], { cache });
    const length = 1600;
    const graph: Record<string, ShortGraph[string]> = { n0: ["Picture", { value: 0 }] };
    for (let index = 1; index < length; index++) {
      graph[`n${index}`] = ["Invert", { image: [`n${index - 1}`, 0] }];
    }
    const before = await settledMegabytes();
    let most = 0;
    const result = await run(
      { ...graph, out: ["Done", { image: [`n${length - 1}`, 0] }] },
      {
        onEvent: (event) => {
          if (event.type === "node-start" && Number(event.nodeId.slice(1)) % 400 === 399) {
            most = Math.max(most, megabytesInUse() - before);
          }
        },
      },
    );
    expect(result.error).toBeUndefined();
    // All 1,600 pictures together are 19 MB.
    expect(most).toBeLessThan(8);
  },
);

test("a result that was let go is computed again when an expansion links to it", async () => {
  const reaches = defineNode({
    name: "Reaches",
    category: "toy",
    inputs: { value: float() },
    outputs: ["FLOAT"],
    run: (_, context) => {
      const graph = context.graphBuilder();
      const add = graph.node("Add", { a: ["one", 0], b: 1 });
      return { result: [add.out(0)], expand: graph.finalize() };
    },
  });
  const result = await createRunner([...toyNodes, reaches], { cache: { kind: "none" } }).run({
    one: ["Number", { value: 1 }],
    two: ["Add", { a: ["one", 0], b: 1 }],
    reaches: ["Reaches", { value: ["two", 0] }],
    out: ["Show", { value: ["reaches", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [2] } });
  expect(result.started.filter((id) => id === "one")).toHaveLength(2);
});
