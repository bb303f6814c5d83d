/**
 * Dimension letters of all tensor comments in this package.
 *
 *   B  pictures in a batch          L  tokens of a text
 *   C  channels                     D  width of a token
 *   H W  height, width in pixels    A  width of the vector beside the timestep
 *   h w  height, width of latents   N  steps of a solver: N + 1 noise levels
 */

/** [B,C,h,w], flat: `length` is their product. */
export interface LatentShape {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Throws for anything but four dimensions. */
export function latentShape(shape: readonly number[]): LatentShape {
  const [batch, channels, height, width] = shape;
  if (
    shape.length !== 4 ||
    batch === undefined ||
    channels === undefined ||
    height === undefined ||
    width === undefined
  ) {
    throw new RangeError(`a latent picture has the shape [B,C,h,w], got [${shape.join(",")}]`);
  }
  return { batch, channels, height, width };
}
