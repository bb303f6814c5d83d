/** Stand in for parts that a checkpoint lacks: a workflow that never uses them runs, one that does fails with the reason. */
import type { TextEncoder, Vae } from "./model.ts";
import { invalidModel } from "./weights.ts";

export function missingTextEncoder(file: string): TextEncoder {
  const refuse = () =>
    Promise.reject(invalidModel(file, "it holds no text encoder; load one with CLIPLoader"));
  return {
    network: { family: "no text encoder", matchLora: () => new Set(), encode: refuse },
    loras: [],
  };
}

export function missingVae(file: string): Vae {
  const refuse = () =>
    Promise.reject(invalidModel(file, "it holds no VAE; load one with VAELoader"));
  return { family: "no VAE", latentChannels: 4, downscale: 8, encode: refuse, decode: refuse };
}
