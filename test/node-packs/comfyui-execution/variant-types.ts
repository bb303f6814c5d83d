import type { NodeInput } from "@rabbitloom/engine";

/**
 * The type check of the "variant" classes, in place of the general one: "*" fits everything, else the names that a link
 * brings must all be among those that the input takes.
 */
export function variantTypes(inputs: Readonly<Record<string, NodeInput>>) {
  return {
    takes: [],
    takesTypes: true,
    check(
      _: unknown,
      { inputTypes }: { readonly inputTypes: Readonly<Record<string, string>> },
    ): true | string {
      for (const [name, received] of Object.entries(inputTypes)) {
        const expected = inputs[name]?.type;
        if (typeof expected === "string" && !isSubset(received, expected)) {
          return `Invalid type of ${name}: ${received} (expected ${expected})`;
        }
      }
      return true;
    },
  } as const;
}

function isSubset(received: string, expected: string): boolean {
  if (received === "*" || expected === "*") return true;
  const names = expected.split(",");
  return received.split(",").every((name) => names.includes(name));
}
