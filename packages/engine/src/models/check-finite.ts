import { CodedError } from "@rabbitloom/protocol";
import type { Tensor } from "../tensor.ts";

/** The output of a network. Throws MODEL_INVALID when it is not all numbers: damaged weights show only here. */
export function checkFinite(output: Tensor | undefined, name: string): Tensor {
  if (output === undefined) throw new Error(`${name} put out nothing`);
  const { data } = output;
  for (let i = 0; i < data.length; i++) {
    if (!Number.isFinite(data[i])) {
      throw new CodedError(
        "MODEL_INVALID",
        `${name} put out ${data[i]}: its weights are damaged, or its inputs are out of range`,
      );
    }
  }
  return output;
}

/** A network with the files that change it: any of them may be the damaged one. */
export function namedWith(network: string, patches: readonly string[]): string {
  const quoted = patches.map((name) => JSON.stringify(name));
  return quoted.length === 0 ? network : `${network} with ${quoted.join(" and ")}`;
}
