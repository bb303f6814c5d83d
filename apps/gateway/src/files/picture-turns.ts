import sharp, { type Sharp } from "sharp";

/** Pixels above which a picture is refused before one of them is decoded; it may take eight bytes for each. */
const MAX_PIXELS = 100_000_000;

/** Pictures that are decoded at once: each may take most of a gigabyte and one of the four threads that read files, too. */
const AT_ONCE = 2;

/** How long one may take. */
const DECODE_SECONDS = 60;

/** Not decoded yet: work with it in its turn. */
export function openPicture(path: string): Sharp {
  return sharp(path, { limitInputPixels: MAX_PIXELS }).timeout({ seconds: DECODE_SECONDS });
}

let free = AT_ONCE;
const waiting: (() => void)[] = [];

/** Waits for a turn to work on a picture, over all requests of this gateway. */
export async function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
  if (free > 0) free -= 1;
  else await new Promise<void>((go) => waiting.push(go));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) free += 1;
    else next();
  }
}
