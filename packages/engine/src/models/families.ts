import { latentFormats } from "./latent-formats.ts";
import type { LatentFormat, VectorKind } from "./model.ts";
import { type UnetShape, unetShape } from "./unet.ts";
import { invalidModel, type Weights } from "./weights.ts";

/** What of a diffusion network does not show in its shapes. */
export interface Family {
  readonly label: string;
  readonly vectorKind: VectorKind;
  readonly latentFormat: LatentFormat;
  /** Attention heads: so many in every block, or so many channels each. */
  readonly heads: { readonly count: number } | { readonly width: number };
}

export const families = {
  sd1: {
    label: "Stable Diffusion 1.x",
    vectorKind: "none",
    latentFormat: latentFormats.stableDiffusion,
    heads: { count: 8 },
  },
  sd2: {
    label: "Stable Diffusion 2.x",
    vectorKind: "none",
    latentFormat: latentFormats.stableDiffusion,
    heads: { width: 64 },
  },
  "sd2-unclip": {
    label: "Stable Diffusion 2.1 unCLIP",
    vectorKind: "unclip",
    latentFormat: latentFormats.stableDiffusion,
    heads: { width: 64 },
  },
  sdxl: {
    label: "Stable Diffusion XL",
    vectorKind: "sdxl",
    latentFormat: latentFormats.stableDiffusionXl,
    heads: { width: 64 },
  },
  "sdxl-refiner": {
    label: "Stable Diffusion XL refiner",
    vectorKind: "sdxl-refiner",
    latentFormat: latentFormats.stableDiffusionXl,
    heads: { width: 64 },
  },
  zero123: {
    label: "Stable Zero123",
    vectorKind: "none",
    latentFormat: latentFormats.stableDiffusion,
    heads: { count: 8 },
  },
} as const satisfies Record<string, Family>;

export type FamilyName = keyof typeof families;

/** Widths of context and vector that the published networks have. Other widths need `rabbitloom.family` in the metadata. */
const PUBLISHED: readonly { context: number; vector: number; family: FamilyName }[] = [
  { context: 768, vector: 0, family: "sd1" },
  { context: 1024, vector: 0, family: "sd2" },
  { context: 1024, vector: 1536, family: "sd2-unclip" },
  { context: 1024, vector: 2048, family: "sd2-unclip" },
  { context: 2048, vector: 2816, family: "sdxl" },
  { context: 1280, vector: 2560, family: "sdxl-refiner" },
];

/** Small networks of one's own without a vector are taken for SD 1 or 2 by their projections. */
export function detectFamily(unet: Weights): FamilyName {
  const named = unet.metadata.get("rabbitloom.family");
  if (named !== undefined) {
    if (isFamily(named)) return named;
    throw invalidModel(
      unet.name,
      `its metadata says rabbitloom.family "${named}"; known are ${Object.keys(families).join(", ")}`,
    );
  }
  const shape = unetShape(unet);
  const published = PUBLISHED.find(
    ({ context, vector }) => context === shape.contextWidth && vector === shape.vectorWidth,
  );
  if (published !== undefined) return published.family;
  if (shape.vectorWidth === 0) return shape.hasLinearProjections ? "sd2" : "sd1";
  throw invalidModel(unet.name, unknownShape(shape));
}

/** The heads of a network in blocks of so many channels; a file may say its own count. */
export function headsOf(unet: Weights, family: Family): (channels: number) => number {
  const given = Number(unet.metadata.get("rabbitloom.unet_heads"));
  if (given > 0) return () => given;
  const { heads } = family;
  return "count" in heads ? () => heads.count : (channels) => channels / heads.width;
}

function unknownShape({ contextWidth, vectorWidth, inputChannels }: UnetShape): string {
  const known = PUBLISHED.map(
    ({ context, vector, family }) => `${families[family].label} (${context} and ${vector})`,
  );
  return (
    `its UNet has ${inputChannels} input channels, a context of width ${contextWidth} and a vector of width ` +
    `${vectorWidth}; the widths known are those of ${known.join(", ")}`
  );
}

function isFamily(name: string): name is FamilyName {
  return Object.hasOwn(families, name);
}
