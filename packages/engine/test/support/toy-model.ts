/** A MODEL without files: a network that knows the pictures it is trained on, one for each prompt. */
import { weightedSum } from "../../src/math/weighted-sum.ts";
import type {
  Conditioning,
  ConditioningEntry,
  DiffusionModel,
  NetworkInputs,
  Prediction,
} from "../../src/models/model.ts";
import { scaledLinearSigmas } from "../../src/schedule/discrete-sigmas.ts";
import { noiseLevels } from "../../src/schedule/noise-levels.ts";
import { type Tensor, tensor } from "../../src/tensor.ts";

const VARIANCE = 0.25;
const CHANNELS = 4;

export interface ToyModelOptions {
  readonly prediction?: Prediction;
  readonly inputChannels?: number;
}

export interface ToyModel extends DiffusionModel {
  /** What the network was asked, in order. */
  readonly asked: NetworkInputs[];
}

/**
 * For a prompt whose context holds the number m: pictures that are Gaussian around m with variance 1/4, so
 * D(x, s) = m + v/(v + s^2) (x - m), said as eps or v by the network.
 */
export function toyModel({
  prediction = "eps",
  inputChannels = CHANNELS,
}: ToyModelOptions = {}): ToyModel {
  const asked: NetworkInputs[] = [];
  const sampling = { kind: "discrete", sigmaData: 1, sigmas: scaledLinearSigmas() } as const;
  const levels = noiseLevels(sampling);
  return {
    asked,
    loras: [],
    prediction,
    sampling,
    latentFormat: {
      channels: CHANNELS,
      scale: [0.5],
      shift: [0],
      rgbFactors: [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
        [0, 0, 0],
      ],
      rgbBias: [0, 0, 0],
      taesd: "taesd_decoder",
    },
    network: {
      family: "toy",
      inputChannels,
      contextWidth: 1,
      vectorWidth: 0,
      vectorKind: "none",
      skipChannels: [],
      matchLora: () => new Set(),
      predict(inputs) {
        asked.push(inputs);
        return Promise.resolve(say(inputs, prediction, levels.sigmaOf));
      },
    },
  };
}

function say(
  { x, timesteps, context }: NetworkInputs,
  prediction: Prediction,
  sigmaOf: (timestep: number) => number,
): Tensor {
  const [batch = 1, , height = 1, width = 1] = x.shape;
  const size = height * width;
  const sigma = sigmaOf(timesteps[0] ?? 0);
  const unscaled = new Float32Array(batch * CHANNELS * size);
  const perEntry = x.data.length / batch;
  for (let b = 0; b < batch; b++) {
    const own = x.data.subarray(b * perEntry, b * perEntry + CHANNELS * size);
    unscaled.set(weightedSum([Math.sqrt(sigma ** 2 + 1), own]), b * CHANNELS * size);
  }
  const mean = unscaled.map((_, i) => context.data[Math.floor(i / (CHANNELS * size))] ?? 0);
  const keep = VARIANCE / (VARIANCE + sigma ** 2);
  const denoised = weightedSum([1 - keep, mean], [keep, unscaled]);
  const noise = weightedSum([1 / sigma, unscaled], [-1 / sigma, denoised]);
  const total = sigma ** 2 + 1;
  const root = Math.sqrt(total) / sigma;
  const velocity = weightedSum([root / total, unscaled], [-root, denoised]);
  const out = prediction === "v" ? velocity : noise;
  return tensor([batch, CHANNELS, height, width], out);
}

/** A prompt for pictures around `mean`. */
export function toyPrompt(mean: number, options: Partial<ConditioningEntry> = {}): Conditioning {
  return [{ context: tensor([1, 1, 1], Float32Array.of(mean)), ...options }];
}

export function emptyLatent(width = 8, height = 8, batch = 1) {
  return { samples: tensor([batch, CHANNELS, height, width]) };
}

/** Of all numbers. */
export function meanOf({ data }: Tensor): number {
  return data.reduce((sum, value) => sum + value, 0) / data.length;
}
