import type { Guider } from "../guidance/guider.ts";
import type { Noise } from "../guidance/noise.ts";
import type { ControlNet } from "../models/control-net.ts";
import type { Gligen } from "../models/gligen-file.ts";
import type { Conditioning, DiffusionModel, TextEncoder, Vae } from "../models/model.ts";
import type { StyleModel } from "../models/style-model.ts";
import type { SeenPicture, VisionEncoder } from "../models/vision-encoder.ts";
import type { Sampler } from "../sampler/samplers.ts";
import type { Latent, Tensor } from "../tensor.ts";

/**
 * What a value of each socket type is. A declaration that names one of these types gets it inferred;
 * packs give their own types with `custom<T>("NAME")`.
 */
export interface NodeValues {
  INT: number;
  FLOAT: number;
  STRING: string;
  BOOLEAN: boolean;
  IMAGE: Tensor;
  MASK: Tensor;
  LATENT: Latent;
  MODEL: DiffusionModel;
  CLIP: TextEncoder;
  VAE: Vae;
  CONDITIONING: Conditioning;
  CONTROL_NET: ControlNet;
  GLIGEN: Gligen;
  STYLE_MODEL: StyleModel;
  CLIP_VISION: VisionEncoder;
  CLIP_VISION_OUTPUT: SeenPicture;
  NOISE: Noise;
  GUIDER: Guider;
  SAMPLER: Sampler;
  /** [N + 1], the levels of N solver steps. */
  SIGMAS: Float32Array;
}

/** The value of a socket type: known for the names above, `unknown` for every other. */
export type ValueOfType<Type> = Type extends keyof NodeValues ? NodeValues[Type] : unknown;

/** Output `slot` of node `id`, as it stands in a prompt. */
export type Link = readonly [id: string, slot: number];

/** Whether a prompt value points at a node's output rather than being a literal. */
export function isLink(value: unknown): value is Link {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    typeof value[0] === "string" &&
    typeof value[1] === "number"
  );
}

/** Shared by all copies of this package, so that a pack's own copy makes blockers that the engine knows. */
const BLOCKER = Symbol.for("rabbitloom.ExecutionBlocker");

/**
 * Stands in for a value that must not be used: a node that receives one is not called, and hands it
 * on from all of its outputs. With a message, the first node that receives it reports the message.
 */
export class ExecutionBlocker {
  readonly [BLOCKER] = true;
  readonly message: string | null;
  constructor(message: string | null = null) {
    this.message = message;
  }
}

export function isBlocker(value: unknown): value is ExecutionBlocker {
  return typeof value === "object" && value !== null && BLOCKER in value;
}
