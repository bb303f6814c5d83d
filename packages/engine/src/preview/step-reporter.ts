import type { SampleOptions } from "../guidance/sample.ts";
import { encodeJpeg } from "../image/encode-jpeg.ts";
import type { NodeContext, PreviewImage } from "../nodes/context.ts";
import type { Tensor } from "../tensor.ts";
import { createPace } from "./preview-pace.ts";
import type { Picture } from "./preview-painter.ts";

export interface StepReporter extends AsyncDisposable {
  readonly onStep: NonNullable<SampleOptions["onStep"]>;
}

export interface StepReporterOptions {
  /** @default 100 */
  readonly intervalMs?: number;
  /** How much of the sampling's time encoding may take. @default 0.03 */
  readonly share?: number;
}

/** A preview is as large as the picture that it shows, up to this. */
const LONGEST_SIDE = 512;
const PIXELS_PER_LATENT = 8;
const QUALITY = 95;
const DEFAULT_INTERVAL_MS = 100;
const DEFAULT_SHARE = 0.03;

/**
 * Reports each step at once, and a picture of some of them: encoded while the next step is computed, one at a
 * time, none sooner than `intervalMs` after the last, and none that would take more than its share of the time.
 */
export function createStepReporter(
  context: Pick<NodeContext, "progress">,
  paint: (latents: Tensor) => Promise<Picture>,
  { intervalMs = DEFAULT_INTERVAL_MS, share = DEFAULT_SHARE }: StepReporterOptions = {},
): StepReporter {
  const pace = createPace(share);
  let lastStepAt: number | undefined;
  let latest = { value: 0, max: 0 };
  let encoding: Promise<void> | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  let hadPicture = false;
  let isOver = false;

  async function show(denoised: Tensor): Promise<void> {
    const [, , height = 1, width = 1] = denoised.shape;
    const longestSide = Math.min(LONGEST_SIDE, PIXELS_PER_LATENT * Math.max(height, width));
    const preview = await encoded(await paint(denoised), longestSide);
    if (isOver) return;
    try {
      context.progress(latest.value, latest.max, preview);
    } catch {
      // Cancelled: the next step meets the same abort and ends the sampling.
    }
  }

  return {
    onStep({ step, steps, denoised }) {
      latest = { value: step + 1, max: steps };
      context.progress(latest.value, latest.max);
      const now = performance.now();
      if (lastStepAt !== undefined) pace.note(now - lastStepAt, hadPicture);
      lastStepAt = now;
      hadPicture = encoding !== undefined;
      // What follows the last step is the picture itself.
      const isLast = latest.value === latest.max;
      if (hadPicture || isLast || now - lastAt < intervalMs || !pace.hasRoom) return;
      hadPicture = true;
      lastAt = now;
      encoding = show(denoised).finally(() => {
        encoding = undefined;
      });
    },
    async [Symbol.asyncDispose]() {
      isOver = true;
      await encoding;
    },
  };
}

async function encoded(picture: Picture, longestSide: number): Promise<PreviewImage> {
  const { rgb, width, height } = picture;
  const jpeg = await encodeJpeg(rgb, { width, height, longestSide, quality: QUALITY });
  return { ...jpeg, contentType: "image/jpeg" };
}
