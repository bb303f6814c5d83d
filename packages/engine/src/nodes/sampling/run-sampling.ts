import { type Sampled, type SampleOptions, sample } from "../../guidance/sample.ts";
import { createStepReporter } from "../../preview/step-reporter.ts";
import type { NodeContext } from "../context.ts";

/** Samples with progress and previews on the node. */
export async function runSampling(
  context: NodeContext,
  options: Omit<SampleOptions, "signal" | "onStep">,
): Promise<Sampled> {
  await using reporter = createStepReporter(context, options.guider.model.latentFormat);
  return await sample({ ...options, signal: context.signal, onStep: reporter.onStep });
}
