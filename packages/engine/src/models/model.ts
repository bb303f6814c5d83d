/**
 * What MODEL, CLIP, VAE and CONDITIONING values are. A value is data around a network: nodes that change a
 * model make a copy with other data, and the network, with its sessions, stays one for all copies.
 */
import type { ModelGuidance } from "../guidance/model-guidance.ts";
import type { LatentShape } from "../math/shape.ts";
import type { Tensor } from "../tensor.ts";
import type { PromptProjection } from "./camera-projection.ts";
import type { AppliedControl, ControlResiduals } from "./control-net.ts";
import type { FreeU } from "./free-u.ts";
import type { GligenBoxes, PlacedObjects } from "./gligen-file.ts";
import type { AppliedHypernetwork } from "./hypernetwork.ts";
import type { LayerChange } from "./layer-change.ts";
import type { ChangedWeights } from "./tensor-recipe.ts";
import type { SeenPicture } from "./vision-encoder.ts";
import type { TensorEntry, Weights } from "./weights.ts";

/** A MODEL: a denoising network, and how what it says is to be read. */
export interface DiffusionModel extends NetworkPatches {
  readonly network: DiffusionNetwork;
  /** What the network's output stands for. */
  readonly prediction: Prediction;
  readonly sampling: ModelSampling;
  readonly latentFormat: LatentFormat;
  /** How the network joins its two halves, where a node changed it. */
  readonly freeU?: FreeU;
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
  /** For prompts of another width. */
  readonly promptProjection?: PromptProjection;
  /** A of `y`; 0 for a network without it. */
  readonly vectorWidth: number;
  /** What is to be made of pooled text and sizes for `y`. */
  readonly vectorKind: VectorKind;
  /** C behind each input block, for what ControlNets add; empty for a network that takes nothing. */
  readonly skipChannels: readonly number[];
  /** Which layers of a LoRA's file change one of its own. Throws MODEL_INVALID for one that is made for other sizes. */
  matchLora(lora: Lora): ReadonlySet<string>;
  /** Throws DEVICE_OUT_OF_MEMORY for a latent that can never be denoised at once. @default nothing is checked */
  checkRoom?(shape: LatentShape): void;
  predict(inputs: NetworkInputs, patches: NetworkPatches): Promise<Tensor>;
  /** Opens a TAESD file on the network's device. Throws MODEL_INVALID for one that fits other latents. */
  readonly openPreviewDecoder?: (file: string) => Promise<PreviewDecoder>;
  /** For merging and saving, and for networks that share its layers; networks that are not of a file have none. */
  readonly source?: DiffusionSource;
}

export interface DiffusionSource {
  /** Attention heads of a block with this many channels. */
  headsOf(channels: number): number;
  /** The network's tensors with LoRAs worked into them. */
  weights(loras: readonly AppliedLora[]): ChangedWeights;
  /** The tensors that the network runs with, and what LoRAs add beside them. */
  located(loras: readonly AppliedLora[]): Promise<LocatedUnet>;
  /** The same network with other tensors. */
  with(weights: ChangedWeights): DiffusionNetwork;
}

export interface LocatedUnet {
  readonly weights: Weights;
  readonly branches: readonly Branch[];
}

/** A LoRA that is a low-rank branch beside layers of a network, by the network's names. */
export interface Branch extends AppliedLora {
  readonly deltas: ReadonlyMap<string, LoraDelta>;
}

/** What is applied inside a network, each in order. */
export interface NetworkPatches {
  readonly loras: readonly AppliedLora[];
  readonly hypernetworks?: readonly AppliedHypernetwork[];
}

/** Clean latents in model space [1,C,h,w] to pixels [1,3,H,W], about 0..1: rough, and quick. */
export type PreviewDecoder = (latent: Tensor) => Promise<Tensor>;

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
  readonly freeU?: FreeU;
  /** What ControlNets and T2I adapters add. */
  readonly control?: ControlResiduals;
  /** What is where in the picture. */
  readonly objects?: PlacedObjects;
  /** In the middle block, each pixel sees itself alone: the identity in place of what self-attention weighs. @default false */
  readonly isPerturbed?: boolean;
}

/** What guidance may ask of a network for one call. */
export type NetworkChange = Pick<NetworkInputs, "isPerturbed">;

/** The network's raw output [B,C,h,w]: noise, velocity or picture, as `model.prediction` says. */
export function predict(model: DiffusionModel, inputs: NetworkInputs): Promise<Tensor> {
  const { freeU } = model;
  return model.network.predict(freeU === undefined ? inputs : { ...inputs, freeU }, model);
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
  /** What is no branch beside a layer, but changes its tensors; by the same names. */
  readonly changes: ReadonlyMap<string, readonly LayerChange[]>;
}

/** Adds scale up(mid(down(x))) to a layer. Hu et al. 2021, arXiv:2106.09685. */
export interface LoraDelta {
  /** [rank,inputs,...], of the layer's kernel size. */
  readonly down: TensorEntry;
  /** [rank,rank,...], of the layer's kernel size; `down` is then of one pixel. */
  readonly mid?: TensorEntry;
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
  /** Which layers of a LoRA's file change one of its own. Throws MODEL_INVALID for one that is made for other sizes. */
  matchLora(lora: Lora): ReadonlySet<string>;
  encode(
    prompt: Prompt,
    encoder: Omit<TextEncoder, "network"> & EncodeTextOptions,
  ): Promise<EncodedText>;
  /** For merging and saving; encoders that are not of a file have none. */
  readonly source?: TextSource;
}

export interface TextSource {
  readonly family: "sd1" | "sd2" | "sdxl" | "sdxl-refiner";
  /** Of each tower, with LoRAs worked in; under Hugging Face's names. */
  weights(loras: readonly AppliedLora[]): readonly ChangedWeights[];
  with(towers: readonly ChangedWeights[]): TextNetwork;
}

export interface EncodeTextOptions {
  /** The pooled text stays as it is before the text projection. @default false */
  readonly isUnprojected?: boolean;
  /** Hears what of the text was left out, and why. */
  readonly onRemark?: (remark: string) => void;
}

/** One text for all towers, or one for each: `l` for CLIP-L and `g` for OpenCLIP bigG. */
export type Prompt = string | { readonly l: string; readonly g: string };

export interface EncodedText {
  /** [1,L,D] */
  readonly context: Tensor;
  /** [1,P] */
  readonly pooled: Tensor;
}

export function encodeText(
  encoder: TextEncoder,
  prompt: Prompt,
  onRemark: EncodeTextOptions["onRemark"] = () => {},
): Promise<EncodedText> {
  return encoder.network.encode(prompt, { ...encoder, onRemark });
}

/** The pooled text as it is before the text projection, [1,D]. */
export async function embedText(encoder: TextEncoder, prompt: Prompt): Promise<Tensor> {
  return (await encoder.network.encode(prompt, { ...encoder, isUnprojected: true })).pooled;
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
  /** For saving; VAEs that are not of a file have none. */
  readonly weights?: Weights;
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
  /** Pictures to follow. */
  readonly unclip?: readonly UnclipPicture[];
  /** What a ControlNet or T2I adapter adds while this entry is predicted. */
  readonly control?: AppliedControl;
  /** Texts that are each for a box of the picture. */
  readonly boxes?: GligenBoxes;
  /** The negative prompt's entries get the same, where they have none. */
  readonly isControlForNegative?: boolean;
}

export interface UnclipPicture {
  readonly seen: SeenPicture;
  readonly strength: number;
  /** 0..1: how far it is left open which picture exactly. */
  readonly noiseAugmentation: number;
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
