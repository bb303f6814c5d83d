import type { DecodedFrame } from "./decoded-frame.ts";
import type { PngFrame } from "./png/animation-frames.ts";

export type PlacedFrame = Omit<PngFrame, "png"> & { readonly frame: DecodedFrame };

/** Plays an animation on a canvas that begins transparent; returns what is seen at each frame. */
export function composeFrames(
  placed: readonly PlacedFrame[],
  { width, height }: { width: number; height: number },
): DecodedFrame[] {
  const color = new Uint8Array(width * height * 3);
  const alpha = new Uint8Array(width * height);
  const hasAlpha = placed.some(({ frame }) => frame.alpha !== undefined);
  return placed.map((given, index) => {
    // Nothing is under the first frame: its colours count even where it is transparent.
    const part: PlacedFrame = index === 0 ? { ...given, blend: "source" } : given;
    const before =
      part.dispose === "restore" ? { color: color.slice(), alpha: alpha.slice() } : null;
    eachPixel(part, { width, height }, (at, from) =>
      layPixel({ color, alpha }, { at, from, part }),
    );
    const seen = { width, height, channels: 3, bytes: color.slice() };
    const frame = hasAlpha ? { color: seen, alpha: alpha.slice() } : { color: seen };
    if (before !== null) {
      color.set(before.color);
      alpha.set(before.alpha);
    }
    if (part.dispose === "clear") {
      eachPixel(part, { width, height }, (at) => {
        color.fill(0, at * 3, at * 3 + 3);
        alpha[at] = 0;
      });
    }
    return frame;
  });
}

/** Positions on the canvas and in the frame, for the part that lies on the canvas. */
function eachPixel(
  { x, y, frame }: PlacedFrame,
  canvas: { width: number; height: number },
  visit: (at: number, from: number) => void,
): void {
  const { width, height } = frame.color;
  const right = Math.min(width, canvas.width - x);
  const bottom = Math.min(height, canvas.height - y);
  for (let row = 0; row < bottom; row++) {
    for (let column = 0; column < right; column++) {
      visit((y + row) * canvas.width + x + column, row * width + column);
    }
  }
}

function layPixel(
  canvas: { color: Uint8Array; alpha: Uint8Array },
  { at, from, part }: { at: number; from: number; part: PlacedFrame },
): void {
  const { color, alpha } = part.frame;
  const over = alpha?.[from] ?? 255;
  const under = part.blend === "over" ? canvas.alpha[at]! : 0;
  if (over === 0 && part.blend === "over") return;
  const result = over + (under * (255 - over)) / 255;
  for (let c = 0; c < 3; c++) {
    const above = color.bytes[from * 3 + c]!;
    const below = canvas.color[at * 3 + c]!;
    const mixed = above * over + (below * under * (255 - over)) / 255;
    canvas.color[at * 3 + c] = under === 0 || result === 0 ? above : Math.round(mixed / result);
  }
  canvas.alpha[at] = Math.round(result);
}
