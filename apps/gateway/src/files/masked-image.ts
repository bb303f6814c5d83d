import { rm } from "node:fs/promises";
import { CodedError } from "@rabbitloom/protocol";
import sharp from "sharp";
import { checkPicture } from "./check-picture.ts";
import { inTurn, openPicture } from "./picture-turns.ts";

/**
 * The original with the painted picture's alpha as its own, written beside the painted one. Both have the original's
 * size then, as in ComfyUI.
 */
export async function withMask(
  originalPath: string,
  paintedPath: string,
  signal: AbortSignal,
): Promise<string> {
  const path = `${paintedPath}.png`;
  try {
    await Promise.all([checkPicture(originalPath), checkPicture(paintedPath)]);
    await inTurn(() => joinAlpha(originalPath, paintedPath, path), signal);
    return path;
  } catch (cause) {
    await rm(path, { force: true });
    throw new CodedError("IMAGE_UNREADABLE", "the mask or its picture cannot be read", { cause });
  }
}

async function joinAlpha(originalPath: string, paintedPath: string, path: string): Promise<void> {
  const { data, info } = await openPicture(originalPath)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height } = info;
  const alpha = await openPicture(paintedPath)
    .ensureAlpha()
    .extractChannel(3)
    .resize(width, height, { fit: "fill" })
    .raw()
    .toBuffer();
  await sharp(data, { raw: { width, height, channels: 3 } })
    .joinChannel(alpha, { raw: { width, height, channels: 1 } })
    .png({ compressionLevel: 4 })
    .toFile(path);
}
