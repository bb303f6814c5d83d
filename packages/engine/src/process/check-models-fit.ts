import type { Prompt } from "@rabbitloom/protocol";
import { NodeFailure } from "../execute/outcome.ts";
import type { ModelFit } from "../files/model-fit.ts";
import type { NodeRegistry } from "../nodes/registry.ts";
import { isLink } from "../nodes/values.ts";

/**
 * Looks at the model files of all nodes that the outputs need, before the first of them runs. Throws a NodeFailure
 * with DEVICE_OUT_OF_MEMORY for a node whose model can never fit.
 */
export async function checkModelsFit({
  prompt,
  outputs,
  registry,
  fit,
}: {
  readonly prompt: Prompt;
  readonly outputs: readonly string[];
  readonly registry: NodeRegistry;
  readonly fit: ModelFit;
}): Promise<void> {
  const seen = new Set(outputs);
  for (const nodeId of seen) {
    // An input that its class does not declare may name anything at all.
    const node = Object.hasOwn(prompt, nodeId) ? prompt[nodeId] : undefined;
    if (node === undefined) continue;
    const declared = registry.get(node.class_type)?.inputs ?? {};
    for (const [name, value] of Object.entries(node.inputs)) {
      // A set takes in what is added while it is walked.
      if (isLink(value)) seen.add(value[0]);
      const listed = Object.hasOwn(declared, name) ? declared[name]?.listed : undefined;
      if (listed?.kind !== "models" || typeof value !== "string") continue;
      if (listed.extra?.includes(value)) continue;
      await fit.check(listed.folder, value).catch((cause: unknown) => {
        throw new NodeFailure({ nodeId, node, inputs: undefined }, cause);
      });
    }
  }
}
