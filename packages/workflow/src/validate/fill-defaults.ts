import { copyFloatMarks, markFloat } from "@rabbitloom/protocol";
import type { ClassFacts, DeclaredInput } from "./class-facts.ts";

type Inputs = Readonly<Record<string, unknown>>;

/**
 * Workflows that are older than an input of a class lack it: what the class declares for it stands in. Only in nodes that
 * have all the rest: one that lacks more is not old but unfinished, and is told everything that it lacks.
 */
export function fillDefaults(inputs: Inputs, { inputs: declared }: ClassFacts): Inputs {
  const required = declared.filter(({ isRequired }) => isRequired);
  const missing = required.filter(({ name }) => !Object.hasOwn(inputs, name));
  if (missing.length === 0 || missing.length === required.length) return inputs;
  const filled: Record<string, unknown> = { ...inputs };
  copyFloatMarks(inputs, filled);
  for (const input of missing) {
    const value = defaultOf(input);
    if (value === undefined) return inputs;
    filled[input.name] = value;
    markFloat(filled, input.name, input.config[0] === "FLOAT");
  }
  return filled;
}

/** The declared default; of a choice without one its first value, as the editor takes it. Files have none. */
function defaultOf({ config: [type, options], listed }: DeclaredInput): unknown {
  if (listed !== undefined || options.multiselect === true) return undefined;
  if (options.default !== undefined) return options.default;
  const choices = Array.isArray(type) ? type : type === "COMBO" ? options.options : undefined;
  return Array.isArray(choices) ? choices[0] : undefined;
}
