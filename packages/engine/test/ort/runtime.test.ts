import { expect, test } from "vitest";
import { openWeights } from "../../src/models/open-weights.ts";
import { entryOf, type Weights } from "../../src/models/weights.ts";
import { createRuntime, type Network } from "../../src/ort/runtime.ts";
import { checkpointBytes, openFolder } from "../support/random-checkpoint.ts";

const SIZE = 100;
/** Of one of the networks below: two tensors of 100 x 100 in F32. */
const BYTES = 2 * SIZE * SIZE * 4;

async function openSums() {
  const folder = await openFolder();
  const layout = { "a.weight": [SIZE, SIZE], "b.weight": [SIZE, SIZE] };
  const weights = await openWeights(await folder.write("sum.safetensors", checkpointBytes(layout)));
  return { weights, [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/** x + a + b, under several names. */
function sum(weights: Weights, key: string): Network {
  return {
    key,
    name: `the sum ${key}`,
    build(graph) {
      const x = graph.input("x", [SIZE, SIZE]);
      const a = graph.add("Add", [x, graph.weight(entryOf(weights, "a.weight"))]);
      const b = graph.add("Add", [a, graph.weight(entryOf(weights, "b.weight"))]);
      graph.output("sum", b, [SIZE, SIZE]);
    },
  };
}

const zeros = { x: { shape: [SIZE, SIZE], data: new Float32Array(SIZE * SIZE) } };

test("a network is built once, however often it runs", async () => {
  await using sums = await openSums();
  await using runtime = createRuntime();
  let builds = 0;
  const network = sum(sums.weights, "a");
  const counted: Network = {
    ...network,
    build(graph) {
      builds += 1;
      network.build(graph);
    },
  };
  await Promise.all([runtime.run(counted, zeros), runtime.run(counted, zeros)]);
  expect(builds).toBe(1);
  expect(runtime.usedBytes).toBe(BYTES);
});

test("the network that was not used for longest goes when memory is short", async () => {
  await using sums = await openSums();
  await using runtime = createRuntime({ memoryBytes: 2 * BYTES });
  const builds: string[] = [];
  const run = (key: string) => {
    const network = sum(sums.weights, key);
    return runtime.run(
      {
        ...network,
        build(graph) {
          builds.push(key);
          network.build(graph);
        },
      },
      zeros,
    );
  };
  for (const key of ["a", "b", "a", "c", "a", "b"]) await run(key);
  expect(builds).toEqual(["a", "b", "c", "b"]);
  expect(runtime.usedBytes).toBe(2 * BYTES);
});

test("a network that can never fit is refused before it is loaded, with both figures", async () => {
  await using sums = await openSums();
  await using runtime = createRuntime({ memoryBytes: BYTES - 1 });
  await expect(runtime.run(sum(sums.weights, "big"), zeros)).rejects.toMatchObject({
    code: "DEVICE_OUT_OF_MEMORY",
    message: "the sum big needs 1 MB, but the memory budget is 1 MB",
    details: { neededBytes: BYTES, availableBytes: BYTES - 1 },
  });
});

test("free closes all sessions, and the next run opens them again", async () => {
  await using sums = await openSums();
  await using runtime = createRuntime();
  const before = await runtime.run(sum(sums.weights, "a"), zeros);
  await runtime.free();
  expect(runtime.usedBytes).toBe(0);
  const after = await runtime.run(sum(sums.weights, "a"), zeros);
  expect(after.get("sum")?.data).toEqual(before.get("sum")?.data);
});

test("a run that fails says which network, and the next one works", async () => {
  await using sums = await openSums();
  await using runtime = createRuntime();
  const wrong = { x: { shape: [3, 7], data: new Float32Array(21) } };
  await expect(runtime.run(sum(sums.weights, "a"), wrong)).rejects.toThrow(/^the sum a failed/);
  await expect(runtime.run(sum(sums.weights, "a"), zeros)).resolves.toBeDefined();
});

test("what a run works in counts, too, and other networks make room for it", async () => {
  await using sums = await openSums();
  await using runtime = createRuntime({ memoryBytes: 3 * BYTES });
  const working = (key: string, workingBytes: number): Network => ({
    ...sum(sums.weights, key),
    workingBytes: () => workingBytes,
  });
  await runtime.run(working("a", 0), zeros);
  await runtime.run(working("b", 0), zeros);
  expect(runtime.usedBytes).toBe(2 * BYTES);
  await runtime.run(working("b", 2 * BYTES), zeros);
  expect(runtime.usedBytes).toBe(BYTES);
  await expect(runtime.run(working("b", 3 * BYTES), zeros)).rejects.toMatchObject({
    code: "DEVICE_OUT_OF_MEMORY",
    details: { neededBytes: 4 * BYTES, availableBytes: 3 * BYTES },
  });
});
