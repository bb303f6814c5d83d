import type { SampleOptions } from "../guidance/sample.ts";
import { encodeJpeg } from "../image/encode-jpeg.ts";
import type { LatentFormat } from "../models/model.ts";
import type { NodeContext, PreviewImage } from "../nodes/context.ts";
import type { Tensor } from "../tensor.ts";
import { latentToRgb } from "./latent-to-rgb.ts";

export interface StepReporter extends AsyncDisposable {
  readonly onStep: NonNullable<SampleOptions["onStep"]>;
}

const LONGEST_SIDE = 512;
const QUALITY = 95;
const DEFAULT_INTERVAL_MS = 100;

/**
 * Reports each step at once, and a picture of some of them: encoded while the next step is computed, one at a
 * time, none sooner than `intervalMs` after the last. A step that a picture would hold up goes without.
 */
export function createStepReporter(
  context: Pick<NodeContext, "progress">,
  format: LatentFormat,
  { intervalMs = DEFAULT_INTERVAL_MS }: { readonly intervalMs?: number } = {},
): StepReporter {
  let latest = { value: 0, max: 0 };
  let encoding: Promise<void> | undefined;
  let lastAt = Number.NEGATIVE_INFINITY;
  let isOver = false;

  async function show(denoised: Tensor): Promise<void> {
    const preview = await encodePreview(denoised, format);
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
      if (encoding !== undefined || now - lastAt < intervalMs) return;
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

async function encodePreview(denoised: Tensor, format: LatentFormat): Promise<PreviewImage> {
  const [, , height = 1, width = 1] = denoised.shape;
  const rgb = latentToRgb(denoised, format);
  const jpeg = await encodeJpeg(rgb, {
    width,
    height,
    longestSide: LONGEST_SIDE,
    quality: QUALITY,
  });
  return { ...jpeg, contentType: "image/jpeg" };
}
