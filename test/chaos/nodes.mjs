import { setTimeout as delay } from "node:timers/promises";
import { defineNode, int, string } from "@rabbitloom/engine";

/** Shows its text after `steps` steps of `ms` each. */
export const chaosSay = defineNode({
  name: "ChaosSay",
  category: "chaos",
  inputs: { text: string(), steps: int(), ms: int() },
  outputs: [],
  isOutputNode: true,
  notIdempotent: true,
  async run({ text, steps, ms }, { progress, signal }) {
    for (let step = 1; step <= steps; step++) {
      await delay(ms, undefined, { signal });
      progress(step, steps);
    }
    return { ui: { text: [text] } };
  },
});
