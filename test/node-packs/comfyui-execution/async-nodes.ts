import { setTimeout as delay } from "node:timers/promises";
import { any, boolean, defineNode, float, image, int, string, tensor } from "@rabbitloom/engine";
import { RuntimeError } from "./errors.ts";
import { picture } from "./pictures.ts";
import { sleepWithProgress } from "./sleeping.ts";

const category = "_for_testing/async";

/** Waits so many seconds, or until the job is cancelled. */
function wait(seconds: number, signal: AbortSignal): Promise<void> {
  return delay(seconds * 1000, undefined, { signal });
}

export const testAsyncError = defineNode({
  name: "TestAsyncError",
  displayName: "Test Async Error",
  category,
  inputs: { value: any({}), error_after: float({ default: 0.1, min: 0, max: 10 }) },
  outputs: ["*"],
  async run({ error_after }, { signal }) {
    await wait(error_after, signal);
    throw new RuntimeError("the node fails after a while, as it was told to");
  },
});

export const testSyncError = defineNode({
  name: "TestSyncError",
  displayName: "Test Sync Error",
  category,
  inputs: { value: any({}) },
  outputs: ["*"],
  run() {
    throw new RuntimeError("the node fails at once, as it was told to");
  },
});

export const testAsyncTimeout = defineNode({
  name: "TestAsyncTimeout",
  displayName: "Test Async Timeout",
  category,
  inputs: {
    value: any({}),
    timeout: float({ default: 1, min: 0.1, max: 10 }),
    operation_time: float({ default: 2, min: 0.1, max: 10 }),
  },
  outputs: ["*"],
  async run({ value, timeout, operation_time }, { signal }) {
    await wait(Math.min(timeout, operation_time), signal);
    if (operation_time > timeout)
      throw new RuntimeError(`the operation timed out after ${timeout} seconds`);
    return [value];
  },
});

/** Asks for the input that the condition chooses. */
export const testAsyncLazyCheck = defineNode({
  name: "TestAsyncLazyCheck",
  displayName: "Test Async Lazy Check",
  category,
  inputs: {
    input1: any({ lazy: true }),
    input2: any({ lazy: true }),
    condition: boolean({ default: true }),
  },
  outputs: ["IMAGE"],
  async checkLazyStatus({ input1, input2, condition }) {
    await delay(50);
    if (condition) return input1 === null ? ["input1"] : [];
    return input2 === null ? ["input2"] : [];
  },
  run: () => [picture(1)],
});

const resourcesInUse = new Set<string>();

/** Two of these may not use one resource at a time; it is freed however the node ends. */
export const testAsyncResourceUser = defineNode({
  name: "TestAsyncResourceUser",
  displayName: "Test Async Resource User",
  category,
  inputs: {
    value: any({}),
    resource_id: string({ default: "resource_0" }),
    duration: float({ default: 0.1, min: 0, max: 1 }),
  },
  outputs: ["*"],
  async run({ value, resource_id, duration }, { signal }) {
    if (resourcesInUse.has(resource_id))
      throw new RuntimeError(`Resource ${resource_id} is already in use!`);
    resourcesInUse.add(resource_id);
    try {
      await wait(duration, signal);
      return [value];
    } finally {
      resourcesInUse.delete(resource_id);
    }
  },
});

/** Inverts picture by picture. */
export const testAsyncBatchProcessing = defineNode({
  name: "TestAsyncBatchProcessing",
  displayName: "Test Async Batch Processing",
  category,
  inputs: { images: image(), process_time_per_item: float({ default: 0.1, min: 0.01, max: 1 }) },
  hidden: { unique_id: "UNIQUE_ID" },
  outputs: ["IMAGE"],
  async run({ images, process_time_per_item }, { signal, progress }) {
    const [count = 0] = images.shape;
    for (let i = 1; i <= count; i++) {
      await wait(process_time_per_item, signal);
      progress(i, count);
    }
    return [
      tensor(
        images.shape,
        images.data.map((value) => 1 - value),
      ),
    ];
  },
});

const LIMIT = 2;
let runningCount = 0;
const waiting: (() => void)[] = [];

/** No more than two of these work at a time. */
export const testAsyncConcurrentLimit = defineNode({
  name: "TestAsyncConcurrentLimit",
  displayName: "Test Async Concurrent Limit",
  category,
  inputs: {
    value: any({}),
    duration: float({ default: 0.5, min: 0.1, max: 2 }),
    node_id: int({ default: 0 }),
  },
  outputs: ["*"],
  async run({ value, duration }, { signal }) {
    while (runningCount >= LIMIT) await new Promise<void>((resolve) => waiting.push(resolve));
    runningCount += 1;
    try {
      await wait(duration, signal);
      return [value];
    } finally {
      runningCount -= 1;
      waiting.shift()?.();
    }
  },
});

const progressInputs = { value: any({}), sleep_seconds: float({ default: 1 }) };

export const testAsyncProgressUpdate = defineNode({
  name: "TestAsyncProgressUpdate",
  displayName: "Async Progress Update Test Node",
  category,
  inputs: progressInputs,
  outputs: ["*"],
  async run({ value, sleep_seconds }, context) {
    await sleepWithProgress(sleep_seconds, context, (elapsed) => [elapsed / sleep_seconds, 1]);
    return [value];
  },
});

/** Holds the event loop, as a node that computes without a pause does. */
export const testSyncProgressUpdate = defineNode({
  name: "TestSyncProgressUpdate",
  displayName: "Sync Progress Update Test Node",
  category,
  inputs: progressInputs,
  outputs: ["*"],
  run({ value, sleep_seconds }, { progress }) {
    const nobody = new Int32Array(new SharedArrayBuffer(4));
    const started = performance.now();
    for (let elapsed = 0; elapsed < sleep_seconds; elapsed = (performance.now() - started) / 1000) {
      progress(elapsed / sleep_seconds, 1);
      Atomics.wait(nobody, 0, 0, 10);
    }
    progress(1, 1);
    return [value];
  },
});
