/**
 * Makes pictures of captions, one a line on standard input, with Rabbitloom's own engine: OUT/000.png, OUT/001.png, ...
 * Picture i starts from the noise of seed 5000 + i.
 *
 *   python3 adherence.py --captions | node --conditions=@rabbitloom/source --import=tsx pictures.mjs ../../models OUT
 *   python3 adherence.py --pictures OUT
 */
import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { Comfy } from "../../packages/engine/src/index.ts";

const SEED = 5000;
const [models, out] = process.argv.slice(2);
const workflow = new URL("../../examples/workflows/text-to-image.json", import.meta.url);
const prompt = JSON.parse(await readFile(workflow, "utf8"));
const captions = (await readFile("/dev/stdin", "utf8")).trim().split("\n");
await mkdir(out, { recursive: true });
const comfy = new Comfy({ inline: true, models, input: `${out}/input`, output: `${out}/output` });
for (const [index, caption] of captions.entries()) {
  prompt[2].inputs.text = caption;
  prompt[5].inputs.seed = SEED + index;
  const outputs = await comfy.queuePrompt(prompt);
  const name = String(index).padStart(3, "0");
  await copyFile(outputs[7].images[0].abs_path, `${out}/${name}.png`);
}
await comfy[Symbol.asyncDispose]();
for (const folder of ["input", "output"]) await rm(`${out}/${folder}`, { recursive: true });
