import { CodedError } from "@rabbitloom/protocol";
import sharp from "sharp";
import { checkPicture } from "./check-picture.ts";
import { inTurn, openPicture } from "./picture-turns.ts";

/** A smaller form of a picture, as `?preview=webp;90` asks for it. */
export interface PreviewRequest {
  readonly format: "webp" | "jpeg";
  readonly quality: number;
}

/** Reads `format;quality`: anything but jpeg is webp, the quality is 90 unless it is a number. */
export function readPreview(text: string): PreviewRequest {
  const [format = "", quality = ""] = text.split(";");
  return {
    format: format === "jpeg" ? "jpeg" : "webp",
    quality: /^\d{1,3}$/.test(quality) ? Math.min(100, Math.max(1, Number(quality))) : 90,
  };
}

/** Once the signal aborts nobody waits for a turn any more. */
export async function previewImage(
  path: string,
  { format, quality }: PreviewRequest,
  signal: AbortSignal,
): Promise<Buffer> {
  const work = () => {
    const image = openPicture(path);
    // JPEG has no alpha: what lies under transparent pixels shows, as in ComfyUI.
    return format === "jpeg"
      ? image.removeAlpha().jpeg({ quality }).toBuffer()
      : image.webp({ quality }).toBuffer();
  };
  return await decoding(path, work, signal);
}

/** `channel=rgb`: the picture without alpha. `channel=a`: its alpha over black, opaque where there is none. */
export async function channelOf(
  path: string,
  channel: "rgb" | "a",
  signal: AbortSignal,
): Promise<Buffer> {
  const work = async () => {
    const image = openPicture(path);
    if (channel === "rgb") return image.removeAlpha().png().toBuffer();
    const alpha = await image
      .ensureAlpha()
      .extractChannel(3)
      .raw()
      .toBuffer({ resolveWithObject: true });
    const { width, height } = alpha.info;
    return sharp({ create: { width, height, channels: 3, background: "black" } })
      .joinChannel(alpha.data, { raw: { width, height, channels: 1 } })
      .png()
      .toBuffer();
  };
  return await decoding(path, work, signal);
}

async function decoding(
  path: string,
  work: () => Promise<Buffer>,
  signal: AbortSignal,
): Promise<Buffer> {
  try {
    await checkPicture(path);
    return await inTurn(work, signal);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const code = /pixel limit/i.test(why) ? "IMAGE_TOO_LARGE" : "IMAGE_UNREADABLE";
    throw new CodedError(
      code,
      `the file is no picture that can be shown: ${why.replaceAll(path, "")}`,
      {
        cause,
      },
    );
  }
}
