import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient } from "@rabbitloom/client";
import { readWorkflow } from "../cli/read-workflow.ts";
import { repositoryRoot } from "../config.ts";

const PICTURE = "hills.png";

/** Runs the repository's first workflow on the picture beside it; resolves to the path of the file that came out. */
export async function runExample(gatewayUrl: string, dataDir: string): Promise<string> {
  const examples = join(repositoryRoot, "examples");
  const picture = await readFile(join(examples, "input", PICTURE));
  const client = createClient({ baseUrl: gatewayUrl, transport: "sse" });
  await client.upload(new Blob([picture]), { filename: PICTURE, overwrite: true });
  const job = await client.submit(await readWorkflow(join(examples, "workflows/first.json")));
  const { files } = await job.result();
  const file = files.find((candidate) => candidate.file.type === "output")?.file;
  if (file === undefined) throw new Error(`the example workflow, job ${job.id}, saved no picture`);
  return join(dataDir, file.type, file.subfolder, file.filename);
}
