/**
 * The SDK: sends a picture and a workflow, follows the job node by node, saves what comes out.
 *
 *   pnpm exec tsx examples/02-typescript-client.ts
 */
import { readFile, writeFile } from "node:fs/promises";
import { createClient } from "@rabbitloom/client";
import { WebSocket } from "ws"; // browsers and Node 22 have one of their own

const [folder = "."] = process.argv.slice(2);
const read = (path: string) => readFile(new URL(path, import.meta.url));

const client = createClient({
  baseUrl: process.env.LOOM_URL ?? "http://127.0.0.1:8188",
  WebSocket,
});
const picture = new Blob([await read("input/circle.png")]);
await client.upload(picture, { filename: "circle.png", overwrite: true });

const workflow: unknown = JSON.parse((await read("workflows/image-to-image.json")).toString());
if (typeof workflow !== "object" || workflow === null) throw new Error("no workflow");
const job = await client.submit(workflow);

for await (const event of job.events()) {
  switch (event.type) {
    case "nodes-cached":
      for (const nodeId of event.nodeIds) console.log(`node ${nodeId} is known from before`);
      break;
    case "node-start":
      console.log(`node ${event.nodeId} starts`);
      break;
    case "node-preview":
      console.log(`node ${event.nodeId} shows ${event.image.length} bytes`);
      break;
    case "job-end":
      console.log(`the job ${event.state}`);
  }
}

const { files } = await job.result();
for (const { file, bytes } of files.filter((output) => output.file.type === "output")) {
  await writeFile(`${folder}/${file.filename}`, await bytes());
  console.log(`${folder}/${file.filename}`);
}
