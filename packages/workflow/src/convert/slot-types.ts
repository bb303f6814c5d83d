import type { UiNode } from "./ui-workflow.ts";

/** Whether a link of one type may end in an input of the other: `*` fits everything, comma lists fit by one member. */
export function typesFit(a: string, b: string): boolean {
  if (a === "*" || b === "*") return true;
  const names = new Set(namesOf(a));
  return namesOf(b).some((name) => names.has(name));
}

/**
 * The input that stands in for output `slot` of a bypassed node, when `wanted` is the type the link must have:
 * the input of the same position if it fits, else the first of exactly that type, else the first that fits.
 */
export function bypassInput(
  { inputs, outputs }: UiNode,
  slot: number,
  wanted: string,
): number | undefined {
  if (wanted === "*") return inputs.length === 0 ? undefined : slot < inputs.length ? slot : 0;
  const outputType = outputs[slot]?.type ?? "*";
  const fits = (type: string) => typesFit(type, outputType) && typesFit(type, wanted);
  const opposite = inputs[slot];
  if (opposite !== undefined && fits(opposite.type)) return slot;
  const exact = inputs.findIndex(({ type }) => type === wanted);
  const found = exact === -1 ? inputs.findIndex(({ type }) => fits(type)) : exact;
  return found === -1 ? undefined : found;
}

function namesOf(type: string): string[] {
  return type.split(",").map((name) => name.trim().toUpperCase());
}
