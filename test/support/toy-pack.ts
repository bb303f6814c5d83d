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

/** Takes `steps` steps of `ms` each, with a preview of `previewBytes` at least at every one, and stops between them when it is told to. */
export const toySteps = defineNode({
  name: "ToySteps",
  category: "toy",
  inputs: {
    steps: int(),
    ms: int(),
    tag: string({ default: "" }),
    previewBytes: int({ default: 0 }),
  },
  outputs: ["INT"],
  isOutputNode: true,
  notIdempotent: true,
  async run({ steps, ms, tag, previewBytes }, { progress, signal }) {
    for (let step = 1; step <= steps; step++) {
      await delay(ms, undefined, { signal });
      const bytes = Buffer.from(`picture ${step}`.padEnd(previewBytes));
      progress(step, steps, { bytes, contentType: "image/jpeg", width: 8, height: 8 });
    }
    return { ui: { text: [tag] }, result: [steps] };
  },
});

/** Shows a text, where the input folder has the file it names: it looks before the job is taken. */
export const toyReads = defineNode({
  name: "ToyReads",
  category: "toy",
  inputs: { file: string() },
  outputs: [],
  isOutputNode: true,
  validate: {
    takes: ["file"],
    async check({ file }, { files }) {
      const found = await files.list("input");
      return found.includes(file ?? "") || `there is no ${file}`;
    },
  },
  run: ({ file }) => ({ ui: { text: [file] } }),
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

export const toyNodes = [toyText, toySteps, toyReads, toyFail, toyCrash];
