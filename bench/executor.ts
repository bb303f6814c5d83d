/**
 * What the executor costs above the nodes' own work: chains of ImageInvert on 64x64, fresh and cached, here and in the
 * engine's process, events included, against a plain loop over the same functions.
 *
 *   pnpm --filter @rabbitloom/bench executor
 */
import { defineNode, type Engine, float, image, openEngine, tensor } from "@rabbitloom/engine";
import { measure, printMachine, printSamples, quantile } from "./support/measure.ts";

const SIZE = 64;

const grey = defineNode({
  name: "BenchGrey",
  category: "bench",
  inputs: { value: float() },
  outputs: ["IMAGE"],
  run: ({ value }) => [greyPicture(value)],
});

const invert = defineNode({
  name: "BenchInvert",
  category: "bench",
  inputs: { image: image() },
  outputs: ["IMAGE"],
  run: ({ image: picture }) => [inverted(picture)],
});

const end = defineNode({
  name: "BenchEnd",
  category: "bench",
  inputs: { image: image() },
  outputs: [],
  isOutputNode: true,
  run: () => ({ ui: { done: [true] } }),
});

function greyPicture(value: number) {
  const picture = tensor([1, SIZE, SIZE, 3]);
  picture.data.fill(value);
  return picture;
}

function inverted(picture: ReturnType<typeof greyPicture>) {
  const result = tensor(picture.shape);
  for (let i = 0; i < picture.data.length; i++) result.data[i] = 1 - (picture.data[i] ?? 0);
  return result;
}

function plainLoop(length: number, value: number) {
  let picture = greyPicture(value);
  for (let index = 0; index < length; index++) picture = inverted(picture);
  return picture;
}

function chain(length: number, first: Record<string, unknown>, invertClass: string) {
  const prompt: Record<string, unknown> = { start: first };
  for (let index = 0; index < length; index++) {
    const from = index === 0 ? "start" : `n${index - 1}`;
    prompt[`n${index}`] = { class_type: invertClass, inputs: { image: [from, 0] } };
  }
  const last = [`n${length - 1}`, 0];
  const isOwn = invertClass === invert.name;
  prompt.end = isOwn
    ? { class_type: "BenchEnd", inputs: { image: last } }
    : { class_type: "SaveImageWebsocket", inputs: { images: last } };
  return prompt;
}

const ownChain = (length: number, value: number) =>
  chain(length, { class_type: "BenchGrey", inputs: { value } }, "BenchInvert");
const coreChain = (length: number, color: number) =>
  chain(
    length,
    { class_type: "EmptyImage", inputs: { width: SIZE, height: SIZE, batch_size: 1, color } },
    "ImageInvert",
  );

let jobs = 0;
let events = 0;
async function run(engine: Engine, prompt: unknown): Promise<void> {
  jobs += 1;
  const { state, error } = await engine.run({
    jobId: String(jobs),
    prompt,
    onEvent: () => {
      events += 1;
    },
  });
  if (state !== "succeeded") throw new Error(`the prompt ${state}: ${error?.message}`);
}

printMachine();
await using here = await openEngine({ inline: true, nodes: [grey, invert, end] });
await using child = await openEngine();
let value = 0;
const fresh = () => (value += 1 / 2 ** 20);
const freshColor = () => Math.round(fresh() * 2 ** 20) % 0xffffff;

for (const length of [200, 300]) {
  const plain = await measure(`plain loop, ${length} functions`, () => plainLoop(length, fresh()));
  printSamples(plain);
  const ran = await measure(`${length} nodes fresh, in this process`, () =>
    run(here, ownChain(length, fresh())),
  );
  const overheadUs = ((quantile(ran, 0.5) - quantile(plain, 0.5)) / length) * 1000;
  const ratio = quantile(ran, 0.5) / quantile(plain, 0.5);
  printSamples(ran, `${ratio.toFixed(2)} x the loop, ${overheadUs.toFixed(1)} us a node`);
  const same = ownChain(length, 0.5);
  printSamples(await measure(`${length} nodes cached, in this process`, () => run(here, same)));
  printSamples(
    await measure(`${length} ImageInvert fresh, in the engine's process`, () =>
      run(child, coreChain(length, freshColor())),
    ),
  );
}
const long = ownChain(10_000, 0.25);
printSamples(
  await measure("10,000 nodes fresh, in this process", () => run(here, ownChain(10_000, fresh())), {
    warmUp: 1,
    samples: 5,
  }),
);
printSamples(
  await measure("10,000 nodes cached, in this process", () => run(here, long), {
    warmUp: 2,
    samples: 5,
  }),
);
console.log(`${jobs} prompts, ${events} events`);
