import { CodedError } from "@rabbitloom/protocol";
import sharp from "sharp";

/** Pictures above this are refused before a pixel is decoded. */
const MAX_PIXELS = 268_402_689;

/**
 * The original with the painted picture's alpha as its own, written beside the painted one. Both have the original's
 * size then, as in ComfyUI.
 */
export async function withMask(originalPath: string, paintedPath: string): Promise<string> {
  const path = `${paintedPath}.png`;
  try {
    const original = sharp(originalPath, { limitInputPixels: MAX_PIXELS }).removeAlpha();
    const { data, info } = await original
      .toColourspace("srgb")
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const alpha = await sharp(paintedPath, { limitInputPixels: MAX_PIXELS })
      .ensureAlpha()
      .extractChannel(3)
      .resize(width, height, { fit: "fill" })
      .raw()
      .toBuffer();
    await sharp(data, { raw: { width, height, channels: 3 } })
      .joinChannel(alpha, { raw: { width, height, channels: 1 } })
      .png({ compressionLevel: 4 })
      .toFile(path);
    return path;
  } catch (cause) {
    throw new CodedError("IMAGE_UNREADABLE", "the mask or its picture cannot be read", { cause });
  }
}
