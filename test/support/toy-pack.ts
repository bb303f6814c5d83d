import { setTimeout as delay } from "node:timers/promises";
import { any, defineNode, int, string } from "@rabbitloom/engine";

/** A pack of small nodes for tests of the fleet. */

/** Shows a text: the shortest job there is. */
export const toyText = defineNode({
  name: "ToyText",
  category: "toy",
  inputs: { text: string() },
  outputs: [],
  isOutputNode: true,
  run: ({ text }) => ({ ui: { text: [text] } }),
});

/** Takes `steps` steps of `ms` each, with a preview at every one, and stops between them when it is told to. */
export const toySteps = defineNode({
  name: "ToySteps",
  category: "toy",
  inputs: { steps: int(), ms: int(), tag: string({ default: "" }) },
  outputs: ["INT"],
  isOutputNode: true,
  notIdempotent: true,
  async run({ steps, ms, tag }, { progress, signal }) {
    for (let step = 1; step <= steps; step++) {
      await delay(ms, undefined, { signal });
      const bytes = Buffer.from(`picture ${step}`);
      progress(step, steps, { bytes, contentType: "image/jpeg", width: 8, height: 8 });
    }
    return { ui: { text: [tag] }, result: [steps] };
  },
});

/** Throws. */
export const toyFail = defineNode({
  name: "ToyFail",
  category: "toy",
  inputs: { message: string(), after: any({ optional: true }) },
  outputs: [],
  isOutputNode: true,
  run({ message }) {
    throw new Error(message);
  },
});

/** Ends the process that it runs in, as a fault in native code would. */
export const toyCrash = defineNode({
  name: "ToyCrash",
  category: "toy",
  inputs: {},
  outputs: [],
  isOutputNode: true,
  run() {
    process.kill(process.pid, "SIGKILL");
    return {};
  },
});

export const toyNodes = [toyText, toySteps, toyFail, toyCrash];
