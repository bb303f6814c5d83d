import type { NodeErrorReason } from "@rabbitloom/protocol";
import type { DeclaredInput } from "./class-facts.ts";
import { coerceLiteral } from "./coerce.ts";
import { notConvertible, notInList, outOfRange, type Received } from "./problems.ts";

export type ModelLookup = (folder: string) => readonly string[] | undefined;

export type CheckedLiteral =
  | { readonly ok: true; readonly value: unknown; readonly isFloat: boolean }
  | { readonly ok: false; readonly reason: NodeErrorReason };

/** Coerces a literal by the input's type, then holds it against min and max and the values of a combo. */
export function checkLiteral(
  input: DeclaredInput,
  received: Received,
  modelFiles: ModelLookup | undefined,
): CheckedLiteral {
  const [type, options] = input.config;
  const coerced = coerceLiteral(type, received);
  if (!coerced.ok) return { ok: false, reason: notConvertible(input, received, coerced.problem) };
  if (input.isValidatedByClass) return coerced;
  const reason = rangeProblem(input, coerced, options) ?? choiceProblem(input, coerced, modelFiles);
  return reason === undefined ? coerced : { ok: false, reason };
}

function rangeProblem(
  input: DeclaredInput,
  coerced: Received,
  { min, max }: Readonly<Record<string, unknown>>,
): NodeErrorReason | undefined {
  const { value } = coerced;
  if (!isNumber(value)) return undefined;
  if (isNumber(min) && value < min) return outOfRange(input, coerced, { name: "min", value: min });
  if (isNumber(max) && value > max) return outOfRange(input, coerced, { name: "max", value: max });
  return undefined;
}

function choiceProblem(
  input: DeclaredInput,
  coerced: Received,
  modelFiles: ModelLookup | undefined,
): NodeErrorReason | undefined {
  const [type, options] = input.config;
  const isCombo =
    Array.isArray(type) || (type === "COMBO" && (Array.isArray(options.options) || input.listed));
  if (!isCombo) return undefined;
  const choices = choicesOf(input, modelFiles);
  if (choices === undefined) return undefined;
  const values =
    options.multiselect === true && Array.isArray(coerced.value) ? coerced.value : [coerced.value];
  // Each value once: what is listed is then as short as the choices.
  const isListed = [...new Set(values)].every((value) =>
    choices.some((choice) => isSame(choice, value)),
  );
  if (isListed) return undefined;
  const config = Array.isArray(type)
    ? ([choices, options] as const)
    : ([type, { ...options, options: choices }] as const);
  return notInList({ name: input.name, config }, coerced, choices);
}

/** Undefined where the values cannot be told here: files are looked up one by one, models only where there is a lookup. */
function choicesOf(
  { config, listed }: DeclaredInput,
  modelFiles: ModelLookup | undefined,
): readonly unknown[] | undefined {
  if (listed?.kind === "files") return undefined;
  if (listed?.kind === "models") {
    return modelFiles === undefined
      ? undefined
      : [...(modelFiles(listed.folder) ?? []), ...(listed.extra ?? [])];
  }
  const [type, options] = config;
  if (Array.isArray(type)) return type;
  return Array.isArray(options.options) ? options.options : undefined;
}

/** Equality of literals, a bigint being the same number. */
function isSame(choice: unknown, value: unknown): boolean {
  return (
    choice === value || (isNumber(choice) && isNumber(value) && choice <= value && choice >= value)
  );
}

function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}
