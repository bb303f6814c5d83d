import { join } from "node:path";
import { createClient } from "@rabbitloom/client";
import { readWorkflow } from "../cli/read-workflow.ts";
import { repositoryRoot } from "../config.ts";

/** Text to image with the model in the box; resolves to the path of the picture. */
export async function runExample(gatewayUrl: string, dataDir: string): Promise<string> {
  const client = createClient({ baseUrl: gatewayUrl, transport: "sse" });
  const workflow = join(repositoryRoot, "examples/workflows/text-to-image.json");
  const job = await client.submit(await readWorkflow(workflow));
  const { files } = await job.result();
  const file = files.find((candidate) => candidate.file.type === "output")?.file;
  if (file === undefined) throw new Error(`the example workflow, job ${job.id}, saved no picture`);
  return join(dataDir, file.type, file.subfolder, file.filename);
}
