import { join, resolve } from "node:path";
import type { ComfyFile } from "@rabbitloom/engine";
import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { dataOption, dataSchema } from "../cli/data-option.ts";
import { jobProgress } from "../cli/job-progress.ts";
import { progressBar } from "../cli/progress-bar.ts";
import { readWorkflow } from "../cli/read-workflow.ts";
import { shippedModels } from "../config.ts";

const folder = z
  .string()
  .min(1)
  .transform((path) => resolve(path));

export const run = defineCommand({
  name: "run",
  summary: "Run a workflow right here, without a fleet, and print the outputs' paths",
  operands: "WORKFLOW.json|-",
  operandCount: [1, 1],
  options: {
    input: {
      type: "string",
      value: "DIR",
      default: "DATA/input",
      description: "Where LoadImage looks",
    },
    output: {
      type: "string",
      value: "DIR",
      default: "DATA/output",
      description: "Where SaveImage writes",
    },
    models: {
      type: "string",
      value: "DIR",
      default: "DATA/models",
      description: "Your checkpoints, loras, ..., beside those that come with Rabbitloom",
    },
    nodes: {
      type: "string",
      value: "PATH",
      multiple: true,
      description: "A pack of nodes; may be given several times",
    },
    data: dataOption,
  },
  schema: z.object({
    input: folder.optional(),
    output: folder.optional(),
    models: folder.optional(),
    nodes: z.array(z.string()).default([]),
    data: dataSchema,
  }),
  async run({ input, output, models, nodes, data }, [path = "-"]) {
    const workflow = await readWorkflow(path);
    // Only this verb pays for loading the engine.
    const { Comfy } = await import("@rabbitloom/engine");
    const bar = progressBar();
    const fractionOf = jobProgress(Object.keys(workflow).length);
    await using comfy = new Comfy({
      input: input ?? join(data, "input"),
      output: output ?? join(data, "output"),
      temp: join(data, "temp"),
      models: [models ?? join(data, "models"), shippedModels],
      nodes,
    });
    const task = comfy.queueWithProgress(workflow);
    process.once("SIGINT", () => task.cancel());
    for await (const event of task.progress()) {
      bar.show(fractionOf(event), "nodeId" in event ? `node ${event.nodeId}` : event.type);
    }
    bar.end();
    for (const shown of Object.values(await task.result())) {
      for (const file of Object.values(shown).flat()) if (isSaved(file)) console.log(file.abs_path);
    }
    return 0;
  },
});

/** Previews are gone with the engine. */
function isSaved(value: unknown): value is ComfyFile {
  if (typeof value !== "object" || value === null) return false;
  return "abs_path" in value && "type" in value && value.type === "output";
}
