import { setTimeout as delay } from "node:timers/promises";
import {
  any,
  defineNode,
  float,
  image,
  int,
  type NodeContext,
  type Tensor,
} from "@rabbitloom/engine";

const TICK_MS = 10;

/** Waits and says every 10 ms how far it is; ends at once when the job is cancelled. */
export async function sleepWithProgress(
  seconds: number,
  { signal, progress }: Pick<NodeContext, "signal" | "progress">,
  report: (elapsed: number) => readonly [value: number, max: number],
): Promise<void> {
  const started = performance.now();
  for (;;) {
    const elapsed = (performance.now() - started) / 1000;
    progress(...report(Math.min(elapsed, seconds)));
    if (elapsed >= seconds) return;
    await delay(Math.min(TICK_MS, (seconds - elapsed) * 1000), undefined, { signal });
  }
}

/** Hands its value on after a while. Its id is part of what it computes: equal ones do not share a result. */
export const testSleep = defineNode({
  name: "TestSleep",
  displayName: "Test Sleep",
  category: "_for_testing",
  inputs: { value: any({}), seconds: float({ default: 1, min: 0, max: 9999, step: 0.01 }) },
  hidden: { unique_id: "UNIQUE_ID" },
  outputs: ["*"],
  async run({ value, seconds }, context) {
    await sleepWithProgress(seconds, context, (elapsed) => [elapsed, seconds]);
    return [value];
  },
});

const seconds = float({ default: 0.5, min: 0, max: 10, step: 0.01 });

/** Expands to three sleeps side by side and the mean of what they hand on. */
export const testParallelSleep = defineNode({
  name: "TestParallelSleep",
  displayName: "Test Parallel Sleep",
  category: "_for_testing",
  inputs: {
    image1: image(),
    image2: image(),
    image3: image(),
    sleep1: seconds,
    sleep2: seconds,
    sleep3: seconds,
  },
  hidden: { unique_id: "UNIQUE_ID" },
  outputs: ["IMAGE"],
  isOutputNode: true,
  run({ image1, image2, image3, sleep1, sleep2, sleep3 }, context) {
    return averageOfSleeps(context, [
      [image1, sleep1],
      [image2, sleep2],
      [image3, sleep3],
    ]);
  },
});

/** Expands to as many sleeps as asked for, over the two pictures in turn. */
export const testDynamicAsyncGeneration = defineNode({
  name: "TestDynamicAsyncGeneration",
  displayName: "Test Dynamic Async Generation",
  category: "_for_testing/async",
  inputs: {
    image1: image(),
    image2: image(),
    num_async_nodes: int({ default: 3, min: 1, max: 10 }),
    sleep_duration: float({ default: 0.2, min: 0.1, max: 1 }),
  },
  outputs: ["IMAGE"],
  run({ image1, image2, num_async_nodes, sleep_duration }, context) {
    const sleeps = Array.from({ length: num_async_nodes }, (_, i): [Tensor, number] => [
      i % 2 === 0 ? image1 : image2,
      sleep_duration,
    ]);
    return averageOfSleeps(context, sleeps);
  },
});

function averageOfSleeps(
  { graphBuilder }: NodeContext,
  sleeps: readonly (readonly [Tensor, number])[],
) {
  const graph = graphBuilder();
  const nodes = sleeps.map(([value, seconds]) => graph.node("TestSleep", { value, seconds }));
  const [first] = nodes;
  if (first === undefined) throw new RangeError("there is nothing to sleep over");
  const inputs = Object.fromEntries(nodes.map((node, i) => [`input${i + 1}`, node.out(0)]));
  const last = nodes.length === 1 ? first : graph.node("TestVariadicAverage", inputs);
  return { result: [last.out(0)] as const, expand: graph.finalize() };
}
