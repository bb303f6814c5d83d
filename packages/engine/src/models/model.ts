/**
 * What MODEL, CLIP, VAE and CONDITIONING values are. A value is data around a network: nodes that change a
 * model make a copy with other data, and the network, with its sessions, stays one for all copies.
 */
import type { ModelGuidance } from "../guidance/model-guidance.ts";
import type { Tensor } from "../tensor.ts";
import type { TensorEntry } from "./weights.ts";

/** A MODEL: a denoising network, and how what it says is to be read. */
export interface DiffusionModel {
  readonly network: DiffusionNetwork;
  /** Applied inside the network, in order. */
  readonly loras: readonly AppliedLora[];
  /** What the network's output stands for. */
  readonly prediction: Prediction;
  readonly sampling: ModelSampling;
  readonly latentFormat: LatentFormat;
  /** What nodes changed about guidance. */
  readonly guidance?: ModelGuidance;
}

/** A denoising network of one file. */
export interface DiffusionNetwork {
  /** The architecture in words, for people: `Stable Diffusion 1.x`. */
  readonly family: string;
  /** Channels that `x` has; more than the latent format's when pictures and masks are concatenated. */
  readonly inputChannels: number;
  /** D of `context`. */
  readonly contextWidth: number;
  /** A of `y`; 0 for a network without it. */
  readonly vectorWidth: number;
  /** What is to be made of pooled text and sizes for `y`. */
  readonly vectorKind: VectorKind;
  /** How many of its layers a LoRA changes. Throws MODEL_INVALID for one that is made for other sizes. */
  matchLora(lora: Lora): number;
  predict(inputs: NetworkInputs, loras: readonly AppliedLora[]): Promise<Tensor>;
}

/** "sdxl": pooled text and six sizes; "sdxl-refiner": pooled text, four sizes, aesthetic score; "unclip": a picture's embedding. */
export type VectorKind = "none" | "sdxl" | "sdxl-refiner" | "unclip";

export interface NetworkInputs {
  /** [B,C,h,w], already scaled as the prediction asks for; C is `inputChannels`. */
  readonly x: Tensor;
  /** [B], on the network's own scale: 0..999 for discrete schedules. */
  readonly timesteps: Float32Array;
  /** [B,L,D] */
  readonly context: Tensor;
  /** [B,A]; wanted by networks whose `vectorWidth` is not 0. */
  readonly y?: Tensor;
  /** What a ControlNet adds to the skips and to the middle. */
  readonly control?: ControlResiduals;
}

/** Each [B,C,h,w] like the activation it is added to. */
export interface ControlResiduals {
  /** In the order of the UNet's input blocks. */
  readonly input: readonly Tensor[];
  readonly middle: Tensor;
}

/** The network's raw output [B,C,h,w]: noise, velocity or picture, as `model.prediction` says. */
export function predict(model: DiffusionModel, inputs: NetworkInputs): Promise<Tensor> {
  return model.network.predict(inputs, model.loras);
}

/**
 * How D, the clean latent, follows from the output at sigma s, with sd = `sigmaData`:
 * "eps": x - s out. "v": x sd^2/(s^2+sd^2) - out s sd/sqrt(s^2+sd^2). "edm": the same with +. "x0": out. "flow": x - s out.
 * "lcm": the eps form's D, mixed with x by the boundary conditions of consistency models. "img-to-img": out, of an x that is not scaled.
 */
export type Prediction = "eps" | "v" | "edm" | "x0" | "flow" | "lcm" | "img-to-img";

/** Which noise levels a network knows, and what timestep it is told for each. */
export type ModelSampling =
  /** sigmas: [T], ascending, that of timestep t at index t. */
  | {
      readonly kind: "discrete";
      readonly sigmaData: number;
      readonly sigmas: Float32Array;
      /** Timesteps from entry to entry; entry i is then timestep i spacing + spacing - 1. @default 1 */
      readonly spacing?: number;
    }
  /** Timestep "edm": 0.25 ln s; "v": atan(s) 2/pi. */
  | {
      readonly kind: "continuous";
      readonly sigmaData: number;
      readonly sigmaMin: number;
      readonly sigmaMax: number;
      readonly timestep: "edm" | "v";
    }
  | {
      readonly kind: "flow";
      readonly shift: number;
      readonly multiplier: number;
      /** How finely schedules divide the way. @default 1000 */
      readonly levels?: number;
    };

/** Between a LATENT's values z, the VAE's own, and those that the network works on: (z - shift) scale. */
export interface LatentFormat {
  readonly channels: number;
  /** One for each channel, or one for all. */
  readonly scale: readonly number[];
  readonly shift: readonly number[];
  /** Linear preview of scaled latents: one row [r,g,b] for each channel, about -1..1 in sum. */
  readonly rgbFactors: readonly (readonly [number, number, number])[];
  readonly rgbBias: readonly [number, number, number];
  /** The small decoder's name in vae_approx, as in `taesd_decoder`. */
  readonly taesd: string;
}

/** Low-rank changes from one file, with the strength it is used at. */
export interface AppliedLora {
  readonly lora: Lora;
  readonly strength: number;
}

/** What one LoRA file changes. */
export interface Lora {
  /** Of the file: two loras are one when their ids are. */
  readonly id: string;
  /** For messages. */
  readonly name: string;
  /** By the names that the file has for the layers. */
  readonly deltas: ReadonlyMap<string, LoraDelta>;
}

/** Adds scale up(down(x)) to a layer. Hu et al. 2021, arXiv:2106.09685. */
export interface LoraDelta {
  /** [rank,inputs,...], of the layer's kernel size. */
  readonly down: TensorEntry;
  /** [outputs,rank,...] */
  readonly up: TensorEntry;
  readonly scale: number;
}

/** A CLIP: one or two text towers, and how they are asked. */
export interface TextEncoder {
  readonly network: TextNetwork;
  /** As CLIPSetLastLayer counts: -1 the last layer, -2 the one before; unset for the family's own. */
  readonly lastLayer?: number;
  readonly loras: readonly AppliedLora[];
}

export interface TextNetwork {
  readonly family: string;
  /** How many of its layers a LoRA changes. Throws MODEL_INVALID for one that is made for other sizes. */
  matchLora(lora: Lora): number;
  encode(prompt: Prompt, encoder: Omit<TextEncoder, "network">): Promise<EncodedText>;
}

/** One text for all towers, or one for each: `l` for CLIP-L and `g` for OpenCLIP bigG. */
export type Prompt = string | { readonly l: string; readonly g: string };

export interface EncodedText {
  /** [1,L,D] */
  readonly context: Tensor;
  /** [1,P] */
  readonly pooled: Tensor;
}

export function encodeText(encoder: TextEncoder, prompt: Prompt): Promise<EncodedText> {
  return encoder.network.encode(prompt, encoder);
}

/** A VAE: pictures to latents and back. */
export interface Vae {
  readonly family: string;
  readonly latentChannels: number;
  /** Pixels along the side of one latent pixel. */
  readonly downscale: number;
  /** IMAGE [B,H,W,3], 0..1, sides multiples of `downscale`; returns the means [B,C,h,w], unscaled. */
  encode(pixels: Tensor, options?: VaeOptions): Promise<Tensor>;
  /** Unscaled latents [B,C,h,w]; returns IMAGE [B,H,W,3], 0..1. */
  decode(latents: Tensor, options?: VaeOptions): Promise<Tensor>;
}

export interface VaeOptions {
  readonly signal?: AbortSignal | undefined;
  /** Work in tiles of this side, sharing so much with their neighbours, both in pixels of the picture. */
  readonly tiles?: { readonly size: number; readonly overlap: number };
  onTile?(done: number, tiles: number): void;
}

/** A CONDITIONING: each entry is predicted with, and the predictions are averaged by area, mask and strength. */
export type Conditioning = readonly ConditioningEntry[];

export interface ConditioningEntry {
  /** [1,L,D] */
  readonly context: Tensor;
  /** [1,P]; the pooled text. */
  readonly pooled?: Tensor;
  /** In latent pixels, or in fractions of the latent's sides. */
  readonly area?: ConditioningArea;
  /** @default 1 */
  readonly strength?: number;
  /** [B,H,W] at any size. */
  readonly mask?: Tensor;
  /** @default 1 */
  readonly maskStrength?: number;
  /** The area is the mask's bounding box. */
  readonly isAreaOfMask?: boolean;
  /** Of the sampling, 0 its start and 1 its end. */
  readonly startPercent?: number;
  readonly endPercent?: number;
  /** SDXL's size conditioning, in pixels; unset for the size that is being sampled. */
  readonly sizes?: SizeConditioning;
  /** SDXL refiner. @default 6, or 2.5 for a negative prompt */
  readonly aestheticScore?: number;
  /** What inpainting and editing networks see beside x, unscaled [B,C,h,w]. */
  readonly concatLatent?: Tensor;
  /** [B,H,W]: 1 where the picture is to be filled in. */
  readonly concatMask?: Tensor;
}

export interface ConditioningArea {
  readonly unit: "latent" | "fraction";
  readonly width: number;
  readonly height: number;
  readonly x: number;
  readonly y: number;
}

export interface SizeConditioning {
  readonly width: number;
  readonly height: number;
  readonly cropWidth: number;
  readonly cropHeight: number;
  readonly targetWidth: number;
  readonly targetHeight: number;
}
