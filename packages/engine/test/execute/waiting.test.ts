import { expect, test } from "vitest";
import { any, defineNode } from "../../src/index.ts";
import { createRunner, type ShortGraph } from "../support/run-graph.ts";
import { toyNodes } from "../support/toy-nodes.ts";

test("nodes that wait overlap with each other and with nodes that do not", async () => {
  const result = await createRunner(toyNodes).run({
    slow: ["Sleep", { value: 1, milliseconds: 600 }],
    slower: ["Sleep", { value: 2, milliseconds: 601 }],
    quick: ["Add", { a: 1, b: 2 }],
    quickOut: ["Show", { value: ["quick", 0] }],
    sum: ["Add", { a: ["slow", 0], b: ["slower", 0] }],
    out: ["Show", { value: ["sum", 0] }],
  });
  expect(result.outputs).toEqual({ quickOut: { values: [3] }, out: { values: [3] } });
  const order = result.events.flatMap((event) =>
    event.type === "node-start" || event.type === "node-end"
      ? [`${event.type} ${event.nodeId}`]
      : [],
  );
  expect(order.indexOf("node-start slower")).toBeLessThan(order.indexOf("node-end slow"));
  expect(order.indexOf("node-end quickOut")).toBeLessThan(order.indexOf("node-end slow"));
});

test("calls for the entries of one list overlap", async () => {
  let most = 0;
  let now = 0;
  const counts = defineNode({
    name: "CountsOverlap",
    category: "toy",
    inputs: { value: any() },
    outputs: ["*"],
    run: async ({ value }) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setImmediate(resolve));
      now -= 1;
      return [value];
    },
  });
  const result = await createRunner([...toyNodes, counts]).run({
    three: ["Range", { count: 3 }],
    counts: ["CountsOverlap", { value: ["three", 0] }],
    out: ["Show", { value: ["counts", 0] }],
  });
  expect(result.outputs).toEqual({ out: { values: [0, 1, 2] } });
  expect(most).toBe(3);
});

test("nodes that use the device run one at a time, also over prompts", async () => {
  let now = 0;
  let most = 0;
  const computes = defineNode({
    name: "Computes",
    category: "toy",
    inputs: { value: any() },
    outputs: ["*"],
    isOutputNode: true,
    usesDevice: true,
    run: async ({ value }) => {
      most = Math.max(most, ++now);
      await new Promise((resolve) => setTimeout(resolve, 2));
      now -= 1;
      return [value];
    },
  });
  const { run } = createRunner([computes]);
  const graph = (from: number) =>
    ({ a: ["Computes", { value: from }], b: ["Computes", { value: from + 1 }] }) as const;
  const runs = await Promise.all([run(graph(0)), run(graph(10))]);
  expect(runs.map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
  expect(most).toBe(1);
});

test("an error ends the prompt at once and cancels calls that wait", async () => {
  let wasCancelled = false;
  const waits = defineNode({
    name: "Waits",
    category: "toy",
    inputs: {},
    outputs: [],
    isOutputNode: true,
    run: (_, { signal }) =>
      new Promise((_, reject) => {
        signal.addEventListener("abort", () => {
          wasCancelled = true;
          reject(signal.reason);
        });
      }),
  });
  const result = await createRunner([...toyNodes, waits]).run({
    waits: ["Waits"],
    fails: ["Fail", { text: "broken" }],
    out: ["Show", { value: ["fails", 0] }],
  });
  expect(result).toMatchObject({
    state: "failed",
    error: {
      code: "NODE_FAILED",
      message: "broken",
      node: {
        nodeId: "fails",
        nodeType: "Fail",
        exceptionType: "RangeError",
        inputs: { text: ["broken"] },
      },
    },
  });
  expect(wasCancelled).toBe(true);
});

test("a failing call names the node of the user's graph, and keeps its cause", async () => {
  const expandsToFail = defineNode({
    name: "ExpandsToFail",
    category: "toy",
    inputs: {},
    outputs: ["*"],
    run: (_, context) => {
      const graph = context.graphBuilder();
      const inner = graph.node("Fail", { text: "deep inside" });
      return { result: [inner.out(0)], expand: graph.finalize() };
    },
  });
  const result = await createRunner([...toyNodes, expandsToFail]).run({
    outer: ["ExpandsToFail"],
    out: ["Show", { value: ["outer", 0] }],
  });
  expect(result.error?.node).toMatchObject({ nodeId: "outer", nodeType: "Fail" });
  expect(result.cause).toBeInstanceOf(RangeError);
});

test("an unknown class in an expansion is named", async () => {
  const odd = defineNode({
    name: "Odd",
    category: "toy",
    inputs: {},
    outputs: ["*"],
    run: () => ({ result: [["x", 0]], expand: { x: { class_type: "NoSuchClass", inputs: {} } } }),
  });
  const result = await createRunner([...toyNodes, odd]).run({
    odd: ["Odd"],
    out: ["Show", { value: ["odd", 0] }],
  });
  expect(result.error).toMatchObject({ code: "NODE_TYPE_MISSING", node: { nodeId: "odd" } });
  expect(result.error?.message).toContain("NoSuchClass");
});

test("cancelling stops calls that wait at once, and names the node", async () => {
  const controller = new AbortController();
  const result = await createRunner(toyNodes).run(
    {
      sleep: ["Sleep", { value: 1, milliseconds: 60_000 }],
      out: ["Show", { value: ["sleep", 0] }],
    },
    {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === "node-start") setImmediate(() => controller.abort());
      },
    },
  );
  expect(result).toMatchObject({
    state: "cancelled",
    error: { code: "JOB_CANCELLED", node: { nodeId: "sleep", nodeType: "Sleep" }, executed: [] },
  });
});

test("cancelling is seen between nodes that never wait, and in their progress reports", async () => {
  const busy = defineNode({
    name: "Busy",
    category: "toy",
    inputs: {},
    outputs: [],
    isOutputNode: true,
    run: (_, { progress }) => {
      for (let step = 1; step <= 1000; step++) progress(step, 1000);
      return {};
    },
  });
  const controller = new AbortController();
  const result = await createRunner([busy]).run(
    { busy: ["Busy"] },
    {
      signal: controller.signal,
      onEvent: (event) => {
        if (event.type === "node-progress" && event.value === 3) controller.abort();
      },
    },
  );
  expect(result.state).toBe("cancelled");
  expect(result.events.filter(({ type }) => type === "node-progress")).toHaveLength(3);
});

test("a prompt that is cancelled before it begins runs nothing", async () => {
  const result = await createRunner(toyNodes).run(
    { out: ["Show", { value: 1 }] },
    { signal: AbortSignal.abort() },
  );
  expect(result.state).toBe("cancelled");
  expect(result.started).toEqual([]);
});

test("after the end no more events come from calls that were abandoned", async () => {
  const late: string[] = [];
  let release = () => {};
  const ignores = defineNode({
    name: "IgnoresSignal",
    category: "toy",
    inputs: {},
    outputs: [],
    isOutputNode: true,
    run: async (_, { sendText }) => {
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      sendText("too late");
      return {};
    },
  });
  await createRunner([...toyNodes, ignores]).run(
    {
      ignores: ["IgnoresSignal"],
      fails: ["Fail", { text: "x" }],
      out: ["Show", { value: ["fails", 0] }],
    },
    { onEvent: (event) => void (event.type === "node-text" && late.push(event.text)) },
  );
  release();
  await new Promise((resolve) => setImmediate(resolve));
  expect(late).toEqual([]);
});

test("progress, previews, pictures and text are events of their node", async () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const reports = defineNode({
    name: "Reports",
    category: "toy",
    inputs: {},
    outputs: [],
    isOutputNode: true,
    run: (_, { progress, sendImage, sendText }) => {
      progress(1, 2, { bytes, contentType: "image/jpeg", width: 4, height: 2 });
      sendImage(bytes, "image/png");
      sendText("half");
      return {};
    },
  });
  const { events } = await createRunner([reports]).run({ r: ["Reports"] });
  expect(events.slice(2, -1)).toEqual([
    { type: "node-progress", nodeId: "r", value: 1, max: 2 },
    {
      type: "node-preview",
      nodeId: "r",
      contentType: "image/jpeg",
      width: 4,
      height: 2,
      image: bytes,
    },
    {
      type: "node-preview",
      nodeId: "r",
      contentType: "image/png",
      width: 0,
      height: 0,
      image: bytes,
    },
    { type: "node-text", nodeId: "r", text: "half" },
  ]);
});

test("a long chain of nodes that answer at once, or by promises alone, leaves timers their turn", async () => {
  const promises = defineNode({
    name: "Promises",
    category: "toy",
    inputs: { value: any() },
    outputs: ["*"],
    run: async ({ value }) => [value],
  });
  for (const nodeClass of ["Add", "Promises"]) {
    const length = 4000;
    const graph: Record<string, ShortGraph[string]> = { n0: ["Number", { value: 1 }] };
    for (let index = 1; index < length; index++) {
      const from = [`n${index - 1}`, 0];
      graph[`n${index}`] = [nodeClass, { a: from, value: from }];
    }
    let turns = 0;
    const timer = setInterval(() => {
      turns += 1;
    }, 1);
    const result = await createRunner([...toyNodes, promises]).run({
      ...graph,
      out: ["Show", { value: [`n${length - 1}`, 0] }],
    });
    clearInterval(timer);
    expect(result.state).toBe("succeeded");
    expect(turns).toBeGreaterThan(2);
  }
});
