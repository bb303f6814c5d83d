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
const waiting = new Set<() => void>();

/** Waits for a turn to work on a picture, over all requests of this gateway. Who is aborted while it waits gives its turn up. */
export async function inTurn<Result>(
  work: () => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result> {
  signal?.throwIfAborted();
  if (free > 0) free -= 1;
  else await turn(signal);
  try {
    return await work();
  } finally {
    const [next] = waiting;
    if (next === undefined) free += 1;
    else next();
  }
}

function turn(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const leave = () => {
      waiting.delete(go);
      signal?.removeEventListener("abort", giveUp);
    };
    const go = () => {
      leave();
      resolve();
    };
    const giveUp = () => {
      leave();
      reject(signal?.reason);
    };
    waiting.add(go);
    signal?.addEventListener("abort", giveUp);
  });
}
