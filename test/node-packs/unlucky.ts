import { existsSync } from "node:fs";
import { defineNode, string } from "@rabbitloom/engine";

/** Shows a text, and ends the engine's process as long as the file is there. */
export const unlucky = defineNode({
  name: "Unlucky",
  category: "test",
  inputs: { whileThere: string(), text: string() },
  outputs: [],
  isOutputNode: true,
  run({ whileThere, text }) {
    if (existsSync(whileThere)) process.kill(process.pid, "SIGKILL");
    return { ui: { text: [text] } };
  },
});

export const nodes = [unlucky];
