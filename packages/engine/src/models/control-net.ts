/**
 * What CONTROL_NET values are: networks that see a picture beside what a UNet sees, and add to what it computes. Zhang et al.
 * 2023, arXiv:2302.05543 (ControlNet); Mou et al. 2023, arXiv:2302.08453 (T2I adapter).
 */
import type { Tensor } from "../tensor.ts";
import type { AppliedLora, DiffusionNetwork, NetworkInputs } from "./model.ts";

/** A CONTROL_NET as its file has it. */
export interface ControlNet {
  /** Of the file. */
  readonly name: string;
  /** Of a net for several kinds of pictures: what they are called to it, in order; null where it has one kind. */
  readonly kinds: number | null;
  /** A copy that is told which kind of picture it sees; null leaves it to find out. */
  ofKind(kind: number | null): ControlNet;
  /** Throws MODEL_INVALID for a UNet of another family. */
  attach(unet: ControlledUnet, picture: ControlPicture): AttachedControl;
}

/** The network that is controlled, with what is applied inside it. */
export interface ControlledUnet {
  readonly network: DiffusionNetwork;
  readonly loras: readonly AppliedLora[];
}

export interface ControlPicture {
  /** IMAGE [B,H,W,C] of any size. */
  readonly image: Tensor;
  /** Of the latent that is predicted. */
  readonly batch: number;
  readonly height: number;
  readonly width: number;
}

/** A net with its UNet and its picture, for one sampling. */
export interface AttachedControl {
  /** Strength is in it already. */
  run(inputs: Omit<NetworkInputs, "control">, strength: number): Promise<ControlResiduals>;
}

/** A net as a conditioning carries it. */
export interface AppliedControl {
  readonly net: ControlNet;
  /** IMAGE */
  readonly picture: Tensor;
  readonly strength: number;
  /** Of the sampling, 0 its start and 1 its end. */
  readonly startPercent: number;
  readonly endPercent: number;
  /** What was applied before, and is added to. */
  readonly previous?: AppliedControl;
}

/** Each [B,C,h,w] like the activation it is added to, by the UNet's input block. */
export interface ControlResiduals {
  /** To what goes over to the output blocks. */
  readonly skips: ReadonlyMap<number, Tensor>;
  /** Behind a block, and so to what goes over as well. */
  readonly behind: ReadonlyMap<number, Tensor>;
  readonly middle?: Tensor;
}
