import type { Pixels } from "./png/scanlines.ts";

export type DecodedFrame = {
  /** RGB */
  readonly color: Pixels;
  /** One byte a pixel, 255 = opaque; absent where the file has no transparency. */
  readonly alpha?: Uint8Array;
};
