/** Inputs that sampling nodes share. */
import type { Guider } from "../../guidance/guider.ts";
import type { Noise } from "../../guidance/noise.ts";
import type { Sampler } from "../../sampler/samplers.ts";
import { custom, float, int } from "../input.ts";

/** Beyond 2^53 a seed comes as a bigint, whatever its declared type says. */
export const seedInput = () =>
  int({ default: 0, min: 0, max: 18446744073709551615n, control_after_generate: true });

export const stepsInput = () => int({ default: 20, min: 1, max: 10000 });
export const cfgInput = () => float({ default: 8.0, min: 0.0, max: 100.0, step: 0.1, round: 0.01 });
export const denoiseInput = () => float({ default: 1.0, min: 0.0, max: 1.0, step: 0.01 });

export const noiseInput = () => custom<Noise>("NOISE");
export const guiderInput = () => custom<Guider>("GUIDER");
export const samplerInput = () => custom<Sampler>("SAMPLER");
export const sigmasInput = () => custom<Float32Array>("SIGMAS");

export const customSampling = { module: "comfy_extras.nodes_custom_sampler" } as const;
