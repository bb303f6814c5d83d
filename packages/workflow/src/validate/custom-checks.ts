import { copyFloatMarks } from "@rabbitloom/protocol";
import { customFailed } from "./problems.ts";
import { broken, type VisitedNode } from "./visit-nodes.ts";

export interface CustomCheckRequest {
  readonly nodeId: string;
  readonly classType: string;
  /**
   * The inputs that the class's validation takes and the prompt gives: literals after coercion, null for links.
   * `isFloatAt(inputs, name)` tells 5.0 from 5.
   */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Types that the links bring, by input name. */
  readonly inputTypes: Readonly<Record<string, string>>;
}

/** True is fine; false or a text is a complaint about every input that the class's validation takes. */
export type CustomCheck = (
  request: CustomCheckRequest,
) => boolean | string | Promise<boolean | string>;

/** Asks the classes that validate themselves about each of their nodes whose inputs are otherwise in order. */
export function runCustomChecks(
  visited: ReadonlyMap<string, VisitedNode>,
  custom: CustomCheck,
  isAsked: (classType: string) => boolean,
): Promise<void>[] {
  return [...visited.values()]
    .filter(({ facts, reasons }) => facts.hasOwnValidation && reasons.length === 0)
    .filter(({ classType }) => isAsked(classType))
    .map((node) => check(node, custom));
}

async function check(node: VisitedNode, custom: CustomCheck): Promise<void> {
  const { id, classType, inputTypes, facts, reasons } = node;
  try {
    const answer = await custom({ nodeId: id, classType, inputs: takenInputs(node), inputTypes });
    if (answer === true) return;
    const why = answer === false ? "" : answer;
    for (const name of Object.keys(takenInputs(node))) reasons.push(customFailed(name, why));
    if (facts.validatesTypes) reasons.push(customFailed("input_types", why));
    // A class that takes nothing the prompt gives would otherwise be refused without a word.
    if (reasons.length === 0) reasons.push(customFailed("inputs", why));
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : typeof cause;
    reasons.push(
      broken(node, { name, message: cause instanceof Error ? cause.message : String(cause) }),
    );
  }
}

function takenInputs({ facts, inputs }: VisitedNode): Record<string, unknown> {
  const taken: Record<string, unknown> = {};
  for (const { name, isValidatedByClass } of facts.inputs) {
    if (!isValidatedByClass || !Object.hasOwn(inputs, name)) continue;
    taken[name] = Array.isArray(inputs[name]) ? null : inputs[name];
  }
  copyFloatMarks(inputs, taken);
  return taken;
}
