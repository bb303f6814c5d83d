import sharp from "sharp";

export interface JpegOptions {
  readonly width: number;
  readonly height: number;
  /** The longer side is scaled to this, up or down. */
  readonly longestSide: number;
  /** 1..100 */
  readonly quality: number;
}

/** rgb: 3 bytes a pixel, row by row. Scaled bilinearly, its aspect kept. */
export async function encodeJpeg(
  rgb: Uint8Array,
  { width, height, longestSide, quality }: JpegOptions,
): Promise<{ readonly bytes: Uint8Array; readonly width: number; readonly height: number }> {
  const scale = longestSide / Math.max(width, height);
  const scaled = {
    width: Math.max(1, Math.trunc(width * scale)),
    height: Math.max(1, Math.trunc(height * scale)),
  };
  const bytes = await sharp(rgb, { raw: { width, height, channels: 3 } })
    .resize({ ...scaled, fit: "fill", kernel: "linear" })
    .jpeg({ quality })
    .toBuffer();
  return { bytes, ...scaled };
}
