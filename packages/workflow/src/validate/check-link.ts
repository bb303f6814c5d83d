import { isFloatAt, pythonRepr, pythonType } from "@rabbitloom/protocol";
import type { SubmittedPrompt } from "../prompt/parse-prompt.ts";
import type { ClassFacts } from "./class-facts.ts";
import type { Breakage } from "./problems.ts";

export type CheckedLink =
  | {
      readonly kind: "link";
      readonly nodeId: string;
      readonly slot: number;
      readonly type: unknown;
    }
  | { readonly kind: "bad" }
  | { readonly kind: "broken"; readonly breakage: Breakage };

/** Follows a link one step: which node and output, and the type that comes out. Negative slots count from the end. */
export function checkLink(
  value: readonly unknown[],
  prompt: SubmittedPrompt,
  factsOf: (classType: string) => ClassFacts,
): CheckedLink {
  if (value.length !== 2) return { kind: "bad" };
  const [nodeId, slot] = value;
  const source =
    typeof nodeId === "string" && Object.hasOwn(prompt, nodeId) ? prompt[nodeId] : undefined;
  if (typeof nodeId !== "string" || source === undefined) {
    const isHashable = typeof nodeId !== "object" || nodeId === null;
    return isHashable
      ? broken("KeyError", pythonRepr(nodeId, isFloatAt(value, 0)))
      : broken("TypeError", `unhashable type: '${pythonType(nodeId)}'`);
  }
  const index = typeof slot === "boolean" ? Number(slot) : slot;
  if (typeof index !== "number" || isFloatAt(value, 1)) {
    const got = pythonType(slot, isFloatAt(value, 1));
    return got === "int"
      ? broken("IndexError", `cannot fit 'int' into an index-sized integer`)
      : broken("TypeError", `tuple indices must be integers or slices, not ${got}`);
  }
  const { outputTypes } = factsOf(source.class_type);
  const position = index < 0 ? index + outputTypes.length : index;
  if (!(position in outputTypes)) return broken("IndexError", "tuple index out of range");
  return { kind: "link", nodeId, slot: position, type: outputTypes[position] };
}

function broken(name: string, message: string): CheckedLink {
  return { kind: "broken", breakage: { name, message } };
}
