import type { ListedValues, NodeCatalogEntry } from "@rabbitloom/protocol";
import type { InputConfig } from "./problems.ts";

/** What validation asks of one declared input. */
export interface DeclaredInput {
  readonly name: string;
  readonly config: InputConfig;
  readonly isRequired: boolean;
  readonly listed: ListedValues | undefined;
  /** The class's own validation takes this input, so the general checks leave it alone. */
  readonly isValidatedByClass: boolean;
}

/** A catalog entry, prepared once for all nodes of the class. */
export interface ClassFacts {
  readonly inputs: readonly DeclaredInput[];
  readonly outputTypes: readonly unknown[];
  readonly validatesAll: boolean;
  readonly validatesTypes: boolean;
  readonly hasOwnValidation: boolean;
}

export function classFacts({
  info,
  listed,
  validates,
  validatesTypes,
}: NodeCatalogEntry): ClassFacts {
  const validatesAll = validates === "all";
  const taken = new Set(validatesAll ? [] : validates);
  const inputs = new Map<string, DeclaredInput>();
  for (const group of ["required", "optional"] as const) {
    for (const [name, [type, options]] of Object.entries(info.input[group] ?? {})) {
      // A name may stand in both groups; the required one counts.
      if (inputs.has(name)) continue;
      inputs.set(name, {
        name,
        config: [type, options ?? {}],
        isRequired: group === "required",
        listed: Object.hasOwn(listed, name) ? listed[name] : undefined,
        isValidatedByClass: validatesAll || taken.has(name),
      });
    }
  }
  return {
    inputs: [...inputs.values()],
    outputTypes: info.output,
    validatesAll,
    validatesTypes,
    hasOwnValidation: validatesAll || taken.size > 0 || validatesTypes,
  };
}
