/** Graphs that ask for too much: the node that does is named, with what it asked for and what there is. */
import { expect, test } from "vitest";
import { defineNode, int } from "../../src/index.ts";
import { imageNodes } from "../../src/nodes/image/index.ts";
import { latentNodes } from "../../src/nodes/latent/index.ts";
import { primitiveNodes } from "../../src/nodes/primitive/index.ts";
import { stringNodes } from "../../src/nodes/string/index.ts";
import { createRunner, type ShortGraph } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

const runner = () =>
  createRunner([...toyNodes, ...stringNodes, ...primitiveNodes, ...imageNodes(), ...latentNodes]);

test("a chain of 10,000 nodes runs", async () => {
  const graph: Record<string, readonly [string, Record<string, unknown>]> = {
    n0: ["Number", { value: 1 }],
  };
  for (let i = 1; i <= 10_000; i++) graph[`n${i}`] = ["Add", { a: [`n${i - 1}`, 0], b: 1 }];
  graph.out = ["Show", { value: ["n10000", 0] }];
  expect((await runner().run(graph)).outputs).toEqual({ out: { values: [10_001] } });
});

/** Each doubles what the one before made: 2^count. */
function doubled(count: number, first: readonly [string, Record<string, unknown>]) {
  const graph: Record<string, readonly [string, Record<string, unknown>]> = { d0: first };
  for (let i = 1; i <= count; i++) {
    const link = [`d${i - 1}`, 0];
    graph[`d${i}`] = ["StringConcatenate", { string_a: link, string_b: link, delimiter: "" }];
  }
  return graph;
}

test("a text that doubles at each node is stopped at four million characters", async () => {
  const graph = doubled(40, ["PrimitiveString", { value: "x" }]);
  const result = await runner().run({ ...graph, out: ["PreviewAny", { source: ["d40", 0] }] });
  expect(result.error).toMatchObject({
    code: "LIMIT_EXCEEDED",
    message: "a text has 8388608 characters: at most 4194304 are taken",
    node: { nodeId: "d23" },
  });
});

test("a list of more values than a node may be called with is refused", async () => {
  const result = await runner().run({
    many: ["Range", { count: 100_001 }],
    out: ["Show", { value: ["many", 0] }],
  });
  expect(result.error).toMatchObject({
    code: "LIMIT_EXCEEDED",
    message: "an output has 100001 values: at most 100000 are taken",
    node: { nodeId: "many" },
  });
});

test("what a prompt shows is counted over all of its nodes", async () => {
  const graph: Record<string, readonly [string, Record<string, unknown>]> = doubled(20, [
    "PrimitiveString",
    { value: "xxxx" },
  ]);
  for (let i = 0; i < 4; i++) graph[`show${i}`] = ["PreviewAny", { source: ["d20", 0] }];
  const result = await runner().run(graph);
  expect(result.error).toMatchObject({
    code: "LIMIT_EXCEEDED",
    message: expect.stringMatching(/^what is shown has \d+ bytes: at most 16777216 are taken$/),
  });
  // Nobody hears of what did not fit.
  const shown = result.events.filter(({ type }) => type === "node-output");
  expect(shown.length).toBe(1);
});

test.each<[string, ShortGraph]>([
  [
    "EmptyImage",
    { big: ["EmptyImage", { width: 16_384, height: 16_384, batch_size: 4_096, color: 0 }] },
  ],
  [
    "EmptyLatentImage",
    { big: ["EmptyLatentImage", { width: 16_384, height: 16_384, batch_size: 4_096 }] },
  ],
  [
    "ImageScale",
    {
      small: ["EmptyImage", { width: 8, height: 8, batch_size: 4_096, color: 0 }],
      big: [
        "ImageScale",
        {
          image: ["small", 0],
          upscale_method: "nearest-exact",
          width: 16_384,
          height: 16_384,
          crop: "disabled",
        },
      ],
    },
  ],
  [
    "RepeatImageBatch",
    {
      first: ["EmptyImage", { width: 4_096, height: 4_096, batch_size: 1, color: 0 }],
      big: ["RepeatImageBatch", { image: ["first", 0], amount: 4_096 }],
    },
  ],
])("%s of more numbers than the machine has memory for is refused", async (_name, graph) => {
  const result = await runner().run({ ...graph, out: ["Show", { value: ["big", 0] }] });
  expect(result.error).toMatchObject({
    code: "DEVICE_OUT_OF_MEMORY",
    retryable: false,
    message: expect.stringMatching(/ would take [\d.]+ GB; this machine has [\d.]+ GB$/),
    node: { nodeId: "big" },
  });
});

test("more files in one save than a folder should hold are refused before the first is made", async () => {
  const result = await runner().run({
    tiny: ["EmptyImage", { width: 1, height: 1, batch_size: 4_096, color: 0 }],
    many: ["RepeatImageBatch", { image: ["tiny", 0], amount: 3 }],
    save: ["SaveImage", { images: ["many", 0], filename_prefix: "x" }],
  });
  expect(result.error).toMatchObject({
    code: "LIMIT_EXCEEDED",
    message: "12288 files in one save: at most 10000",
  });
});

test("a picture or a text that is sent on the way has its limit as well", async () => {
  const loud = defineNode({
    name: "Loud",
    category: "toy",
    inputs: { bytes: int(), letters: int() },
    outputs: [],
    isOutputNode: true,
    run: ({ bytes, letters }, context) => {
      if (bytes > 0) context.sendImage(new Uint8Array(bytes), "image/png");
      if (letters > 0) context.sendText("x".repeat(letters));
      return {};
    },
  });
  const runLoud = (bytes: number, letters: number) =>
    createRunner([loud]).run({ loud: ["Loud", { bytes, letters }] });
  expect((await runLoud(1_000, 1_000)).state).toBe("succeeded");
  expect((await runLoud(67_108_865, 0)).error?.message).toBe(
    "a picture to show has 67108865 bytes: at most 67108864 are taken",
  );
  expect((await runLoud(0, 1_048_577)).error?.message).toBe(
    "a text to show has 1048577 characters: at most 1048576 are taken",
  );
});
