/**
 * No fleet, no server: the engine in this program makes a picture of a text, with previews on the way.
 *
 *   pnpm exec tsx examples/06-embedded.ts
 */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Comfy } from "@rabbitloom/engine";

const [folder = "."] = process.argv.slice(2);
const workflow = new URL("workflows/text-to-image.json", import.meta.url);

await using comfy = new Comfy({
  input: `${folder}/input`,
  output: `${folder}/output`,
  // Several roots in ComfyUI's layout may be given: the first one that has a file wins.
  models: [fileURLToPath(new URL("../models", import.meta.url))],
});
const task = comfy.queueWithProgress(await readFile(workflow, "utf8"));
for await (const event of task.progress()) {
  if (event.type === "node-progress") console.log(`step ${event.value} of ${event.max}`);
  if (event.type === "node-preview") await writeFile(`${folder}/preview.jpg`, event.image);
}
for (const { images = [] } of Object.values(await task.result())) {
  for (const image of images) console.log(image.abs_path);
}
