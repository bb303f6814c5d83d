import { allocateFloats } from "./allocate-floats.ts";

/**
 * A dense array of 32-bit floats in row-major order. Pictures are IMAGE [B,H,W,C] and MASK [B,H,W], both 0..1.
 * Values travel between nodes and into caches by reference: whoever made one may fill it, nobody changes it afterwards.
 */
export interface Tensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A latent picture or batch, with what ComfyUI's LATENT dictionary may carry beside it. */
export interface Latent {
  /** [B,C,h,w] */
  readonly samples: Tensor;
  /** [B,H,W] in pixels of the picture: 1 where noise is wanted. */
  readonly noiseMask?: Tensor;
  /** For each entry of the batch, which noise of the seed it takes. */
  readonly batchIndex?: readonly number[];
}

/** Puts a shape on the numbers, or on as many zeros as it asks for. Throws when the counts differ. */
export function tensor(shape: readonly number[], data?: Float32Array): Tensor {
  const length = elementCount(shape);
  if (data === undefined) {
    return { shape, data: allocateFloats(length, `an array of shape [${shape.join(", ")}]`) };
  }
  if (data.length !== length) {
    throw new RangeError(`shape [${shape.join(",")}] wants ${length} numbers, got ${data.length}`);
  }
  return { shape, data };
}

/** How many numbers a shape holds; 1 for the empty shape of a scalar. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}
