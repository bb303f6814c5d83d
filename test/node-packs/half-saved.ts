import { writeFile } from "node:fs/promises";
import { defineNode, string } from "@rabbitloom/engine";
import { saveFiles } from "../../packages/engine/src/nodes/saving/output-files.ts";

/** Writes a file that is never whole, as a save of gigabytes is for a long time. */
export const halfSaved = defineNode({
  name: "HalfSaved",
  category: "test",
  inputs: { filename_prefix: string() },
  outputs: [],
  isOutputNode: true,
  async run({ filename_prefix }, context) {
    await saveFiles(context, {
      type: "output",
      prefix: filename_prefix,
      extension: ".bin",
      facts: { width: 0, height: 0 },
      count: 1,
      content: () => async (file) => {
        await writeFile(file, "the first half");
        context.progress(1, 2);
        await new Promise(() => setInterval(() => {}, 60_000));
      },
    });
    return {};
  },
});

export const nodes = [halfSaved];
