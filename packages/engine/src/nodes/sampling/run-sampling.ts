import { type Sampled, type SampleOptions, sample } from "../../guidance/sample.ts";
import type { DiffusionModel, PreviewDecoder } from "../../models/model.ts";
import { createPainter, DECODER_SHARE } from "../../preview/preview-painter.ts";
import { createStepReporter } from "../../preview/step-reporter.ts";
import type { NodeContext } from "../context.ts";

/** Samples with progress and previews on the node. */
export async function runSampling(
  context: NodeContext,
  options: Omit<SampleOptions, "signal" | "onStep">,
): Promise<Sampled> {
  const { model } = options.guider;
  const decoder = await previewDecoder(context, model);
  const { shape } = options.latent.samples;
  const paint = await createPainter({ format: model.latentFormat, shape, decoder });
  // 3 % of the time in all.
  const share = decoder === undefined ? 0.03 : 0.03 - DECODER_SHARE;
  await using reporter = createStepReporter(context, paint, { share });
  return await sample({ ...options, signal: context.signal, onStep: reporter.onStep });
}

/** Of the family's TAESD, where vae_approx has its file. One that cannot be used costs a remark, not the picture. */
async function previewDecoder(
  { models, sendText }: NodeContext,
  { network, latentFormat }: DiffusionModel,
): Promise<PreviewDecoder | undefined> {
  const name = models.list("vae_approx").find((file) => file.startsWith(latentFormat.taesd));
  if (name === undefined || network.openPreviewDecoder === undefined) return undefined;
  try {
    return await network.openPreviewDecoder(models.path("vae_approx", name));
  } catch (cause) {
    sendText(`Previews are rough: ${cause instanceof Error ? cause.message : String(cause)}`);
    return undefined;
  }
}
