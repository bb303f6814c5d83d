import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { defineNode, int } from "@rabbitloom/engine";

/** Stands for a job that keeps a device busy and the processor idle. */
export const benchSleep = defineNode({
  name: "BenchSleep",
  category: "bench",
  inputs: { ms: int(), tag: int() },
  outputs: [],
  isOutputNode: true,
  async run({ ms, tag }, { signal }) {
    await delay(ms, undefined, { signal });
    return { ui: { tag: [tag] } };
  },
});

/** Sends `count` previews of `bytes` bytes each, one every `ms`. */
export const benchPreviews = defineNode({
  name: "BenchPreviews",
  category: "bench",
  inputs: { count: int(), bytes: int(), ms: int(), tag: int() },
  outputs: [],
  isOutputNode: true,
  async run({ count, bytes, ms, tag }, { progress, signal }) {
    const picture = randomBytes(bytes);
    for (let step = 1; step <= count; step++) {
      await delay(ms, undefined, { signal });
      progress(step, count, { bytes: picture, contentType: "image/jpeg", width: 256, height: 256 });
    }
    return { ui: { tag: [tag] } };
  },
});
