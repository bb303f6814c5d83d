import { scaledLinearSigmas, zeroTerminalSnrSigmas } from "../schedule/discrete-sigmas.ts";
import type { FamilyName } from "./families.ts";
import type { ModelSampling, Prediction } from "./model.ts";
import { readTensor } from "./read-tensor.ts";
import { unetShape } from "./unet.ts";
import type { TensorEntry, Weights } from "./weights.ts";

export interface PredictionRules {
  readonly prediction: Prediction;
  readonly sampling: ModelSampling;
  /** Playground's latents are scaled by channel. */
  readonly isPlayground: boolean;
}

/** A bias that training on velocities spreads; above it in every published v model, below in every eps model. */
const SD2_MARK = "output_blocks.11.1.transformer_blocks.0.norm1.bias";
const SD2_V_DEVIATION = 0.09;

/** What the network's output stands for: read off marker keys that some files carry, else the family's default. */
export async function detectPrediction(
  file: Weights,
  unet: Weights,
  family: FamilyName,
): Promise<PredictionRules> {
  const discrete = { kind: "discrete", sigmaData: 1, sigmas: scaledLinearSigmas() } as const;
  if (family === "sdxl") {
    const marked = await markedPrediction(file);
    if (marked !== undefined) return marked;
  }
  if (family === "sd2" && unetShape(unet).inputChannels === 4) {
    const bias = unet.tensors.get(SD2_MARK);
    const isVelocity = bias !== undefined && (await deviation(bias)) > SD2_V_DEVIATION;
    return { prediction: isVelocity ? "v" : "eps", sampling: discrete, isPlayground: false };
  }
  return { prediction: "eps", sampling: discrete, isPlayground: false };
}

async function markedPrediction(file: Weights): Promise<PredictionRules | undefined> {
  const { tensors } = file;
  if (tensors.has("edm_mean") && tensors.has("edm_std")) {
    const range = { sigmaData: 0.5, sigmaMin: 0.002, sigmaMax: 80, timestep: "edm" } as const;
    return {
      prediction: "edm",
      sampling: { kind: "continuous", ...range },
      isPlayground: true,
    };
  }
  const sigmaMax = tensors.get("edm_vpred.sigma_max");
  if (sigmaMax !== undefined) {
    const sigmaMin = tensors.get("edm_vpred.sigma_min");
    return {
      prediction: "v",
      sampling: {
        kind: "continuous",
        sigmaData: 1,
        sigmaMin: sigmaMin === undefined ? 0.002 : await scalar(sigmaMin, 0.002),
        sigmaMax: await scalar(sigmaMax, 120),
        timestep: "edm",
      },
      isPlayground: false,
    };
  }
  if (!tensors.has("v_pred")) return undefined;
  const sigmas = scaledLinearSigmas();
  return {
    prediction: "v",
    sampling: {
      kind: "discrete",
      sigmaData: 1,
      sigmas: tensors.has("ztsnr") ? zeroTerminalSnrSigmas(sigmas) : sigmas,
    },
    isPlayground: false,
  };
}

async function scalar(entry: TensorEntry, otherwise: number): Promise<number> {
  return (await readTensor(entry)).data[0] ?? otherwise;
}

/** Of the population: over n, not n - 1. */
async function deviation(entry: TensorEntry): Promise<number> {
  const { data } = await readTensor(entry);
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  return Math.sqrt(data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length);
}
