import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { type Client, createClient } from "@rabbitloom/client";
import type { JobEndEvent } from "@rabbitloom/protocol";
import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { dataOption, dataSchema } from "../cli/data-option.ts";
import { jobProgress } from "../cli/job-progress.ts";
import { progressBar } from "../cli/progress-bar.ts";
import { readWorkflow } from "../cli/read-workflow.ts";
import { readEnvironment } from "../config.ts";
import { gatewayOf } from "../fleet/gateway-of.ts";

export const submit = defineCommand({
  name: "submit",
  summary: "Send a workflow to the fleet, show its progress and save its pictures",
  operands: "WORKFLOW.json|-",
  operandCount: [1, 1],
  options: {
    upload: {
      type: "string",
      value: "FILE",
      multiple: true,
      description: "Put this file into the fleet's input folder first; may be given several times",
    },
    output: { type: "string", value: "DIR", default: ".", description: "Where pictures are saved" },
    url: {
      type: "string",
      value: "URL",
      description: "The gateway [LOOM_URL, else the fleet in --data]",
    },
    data: dataOption,
  },
  schema: z.object({
    upload: z.array(z.string()).default([]),
    output: z.string().min(1).default("."),
    url: z.url().optional(),
    data: dataSchema,
  }),
  notes:
    "Ctrl-C cancels the job. The files' paths are printed on standard output, the rest beside it.",
  async run({ upload, output, url, data }, [path = "-"]) {
    const workflow = await readWorkflow(path);
    const baseUrl = url ?? readEnvironment().LOOM_URL ?? (await gatewayOf(data));
    const { LOOM_API_KEY: apiKey } = readEnvironment();
    const client = createClient({ baseUrl, ...(apiKey !== undefined && { apiKey }) });
    for (const file of upload) {
      const blob = new Blob([await readFile(file)]);
      await client.upload(blob, { filename: basename(file), overwrite: true });
    }
    const end = await runJob(client, workflow);
    await mkdir(output, { recursive: true });
    const saved = client.outputs(end).filter(({ file }) => file.type === "output");
    for (const { file, bytes } of saved) {
      const target = resolve(join(output, basename(file.filename)));
      await writeFile(target, await bytes());
      console.log(target);
    }
    return 0;
  },
});

async function runJob(client: Client, workflow: object): Promise<JobEndEvent> {
  const job = await client.submit(workflow);
  console.error(`job ${job.id}`);
  process.once("SIGINT", () => {
    job.cancel().catch((error: unknown) => console.error(String(error)));
  });
  const bar = progressBar();
  let fractionOf = jobProgress(Object.keys(workflow).length);
  try {
    for await (const event of job.events()) {
      if (event.type === "job-start") fractionOf = jobProgress(event.nodeCount);
      if (event.type === "job-end") {
        if (event.state === "succeeded") return event;
        throw new Error(`the job ${event.state}: ${event.error?.message ?? "no reason was given"}`);
      }
      bar.show(fractionOf(event), "nodeId" in event ? `node ${event.nodeId}` : event.type);
    }
  } finally {
    bar.end();
  }
  throw new Error(`job ${job.id}: its events ended before its end`);
}
