/**
 * What previews cost a sampler: samplings of the model in the box with and without them, in turns, so that both meet the
 * same machine. "Without" counts steps and draws nothing. The promise is 3 % at most.
 *
 *   ./loom bench preview-cost
 */
import { cfgGuider } from "../packages/engine/src/guidance/guider.ts";
import { randomNoise } from "../packages/engine/src/guidance/noise.ts";
import { type SampleOptions, sample } from "../packages/engine/src/guidance/sample.ts";
import { loadCheckpoint } from "../packages/engine/src/models/checkpoint.ts";
import { encodeText } from "../packages/engine/src/models/model.ts";
import { createRuntime } from "../packages/engine/src/ort/runtime.ts";
import { createPainter } from "../packages/engine/src/preview/preview-painter.ts";
import { createStepReporter } from "../packages/engine/src/preview/step-reporter.ts";
import { samplerNamed } from "../packages/engine/src/sampler/samplers.ts";
import { ksamplerSigmas } from "../packages/engine/src/schedule/ksampler-sigmas.ts";
import { noiseLevels } from "../packages/engine/src/schedule/noise-levels.ts";
import { tensor } from "../packages/engine/src/tensor.ts";
import { printMachine } from "./support/measure.ts";

const FILE = new URL("../models/checkpoints/loom-shapes.safetensors", import.meta.url).pathname;
const ROUNDS = 16;

await using runtime = createRuntime();
const { model, clip } = await loadCheckpoint(runtime, { file: FILE });
if (clip === null) throw new Error(`${FILE} has no text encoder`);
const positive = [await encodeText(clip, "a large red circle on a white background")];
const negative = [await encodeText(clip, "")];

printMachine();
for (const { side, steps } of [
  { side: 128, steps: 60 },
  { side: 256, steps: 20 },
  { side: 512, steps: 8 },
]) {
  const shape = [1, 4, side / 8, side / 8];
  const asked = { sampler: "euler", scheduler: "normal", steps, denoise: 1 } as const;
  const options = {
    guider: cfgGuider(model, { positive, negative, cfg: 4 }),
    sampler: samplerNamed("euler"),
    sigmas: ksamplerSigmas(noiseLevels(model.sampling), asked),
    noise: randomNoise(1),
    latent: { samples: tensor(shape) },
    signal: new AbortController().signal,
  } satisfies Omit<SampleOptions, "onStep">;

  let previews = 0;
  const progress = (_value: number, _max: number, preview?: unknown) => {
    if (preview !== undefined) previews += 1;
  };
  const withPreviews = async () => {
    const paint = await createPainter({ format: model.latentFormat, shape });
    await using reporter = createStepReporter({ progress }, paint);
    await sample({ ...options, onStep: reporter.onStep });
  };
  const without = () => sample({ ...options, onStep: ({ step }) => progress(step + 1, steps) });

  await withPreviews();
  await without();
  previews = 0;
  const shown: Cost[] = [];
  const plain: Cost[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    // Each is first in every other pair: a neighbour's load comes and goes.
    if (round % 2 === 0) plain.push(await costOf(without));
    shown.push(await costOf(withPreviews));
    if (round % 2 === 1) plain.push(await costOf(without));
  }
  const [wall, cpu] = [ratio(shown, plain, "wallMs"), ratio(shown, plain, "cpuMs")];
  console.log(
    `${side} px, ${steps} steps: without ${median(plain.map((cost) => cost.wallMs / steps)).toFixed(1)} ms a step; ` +
      `${(previews / ROUNDS).toFixed(1)} previews a sampling cost ${wall} of its time, ${cpu} of its processor time`,
  );
}

interface Cost {
  readonly wallMs: number;
  readonly cpuMs: number;
}

async function costOf(run: () => Promise<unknown>): Promise<Cost> {
  const before = process.cpuUsage();
  const start = performance.now();
  await run();
  const { user, system } = process.cpuUsage(before);
  return { wallMs: performance.now() - start, cpuMs: (user + system) / 1000 };
}

/** The median of the pairs' ratios, less one. */
function ratio(shown: readonly Cost[], plain: readonly Cost[], what: keyof Cost): string {
  const ratios = shown.map((cost, round) => cost[what] / (plain[round]?.[what] ?? Number.NaN));
  return `${(100 * (median(ratios) - 1)).toFixed(1)} %`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
