import { latentShape } from "../math/shape.ts";
import type { LatentFormat, PreviewDecoder } from "../models/model.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { latentToRgb } from "./latent-to-rgb.ts";

/** 3 bytes a pixel, row by row. */
export interface Picture {
  readonly rgb: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export interface PainterOptions {
  readonly format: LatentFormat;
  /** [B,C,h,w] of the latents to come. */
  readonly shape: readonly number[];
  /** Finer pictures than the linear map's, which cost time of the device. */
  readonly decoder?: PreviewDecoder | undefined;
  /** Milliseconds. @default performance.now */
  readonly now?: () => number;
}

/** The decoder may take this much of the time that the sampling has taken so far; encoding has as much for itself. */
export const DECODER_SHARE = 0.015;

/**
 * Draws the first of a batch of clean latents in model space: by the decoder while its time stays under its share, else
 * by the linear map. A decode of 0.4 s beside steps of 3 s is so allowed at about every tenth step.
 */
export async function createPainter({
  format,
  shape,
  decoder,
  now = () => performance.now(),
}: PainterOptions): Promise<(latents: Tensor) => Promise<Picture>> {
  const [, channels = 0, height = 0, width = 0] = shape;
  // Opens the decoder's session, too: what it costs must be known before it stands between two steps.
  let costMs =
    decoder === undefined ? 0 : await timed(decoder, tensor([1, channels, height, width]));
  const startedAt = now();
  let spentMs = 0;

  async function timed(decode: PreviewDecoder, latent: Tensor): Promise<number> {
    const from = now();
    await decode(latent);
    return now() - from;
  }

  return async (latents) => {
    const isAffordable = spentMs + costMs <= DECODER_SHARE * (now() - startedAt);
    if (decoder === undefined || !isAffordable) {
      const { height: rows, width: columns } = latentShape(latents.shape);
      return { rgb: latentToRgb(latents, format), width: columns, height: rows };
    }
    const from = now();
    const pixels = await decoder(firstOf(latents));
    costMs = now() - from;
    spentMs += costMs;
    return bytesOf(pixels);
  };
}

function firstOf({ shape, data }: Tensor): Tensor {
  const [batch = 1, ...rest] = shape;
  return tensor([1, ...rest], data.subarray(0, data.length / batch));
}

/** pixels: [1,3,H,W], 0..1 */
function bytesOf({ shape, data }: Tensor): Picture {
  const [, , height = 0, width = 0] = shape;
  const size = height * width;
  const rgb = new Uint8Array(3 * size);
  for (let i = 0; i < size; i++) {
    for (let color = 0; color < 3; color++) {
      const value = data[color * size + i] ?? 0;
      rgb[3 * i + color] = Math.round(255 * Math.min(Math.max(value, 0), 1));
    }
  }
  return { rgb, width, height };
}
