import { CodedError } from "@rabbitloom/protocol";
import type { InputLists } from "./collect-inputs.ts";

/** What one call of a node gets. */
export interface CallInputs {
  readonly inputs: Readonly<Record<string, unknown>>;
  readonly undeclared: Readonly<Record<string, unknown>>;
}

/**
 * Deals lists out to calls. Usually one call for each entry of the longest list, where shorter lists
 * repeat their last entry; with `inputIsList` one call that gets every list whole.
 */
export function dealInputs(lists: InputLists, inputIsList: boolean): CallInputs[] {
  if (inputIsList) {
    return [{ inputs: record(lists.declared), undeclared: record(lists.undeclared) }];
  }
  let length = 0;
  for (const [, list] of entries(lists)) length = Math.max(length, list.length);
  if (length === 0) return [{ inputs: {}, undeclared: {} }];
  for (const [name, list] of entries(lists)) {
    if (list.length === 0) {
      throw new CodedError(
        "NODE_FAILED",
        `input "${name}" got an empty list while other inputs have values`,
      );
    }
  }
  return Array.from({ length }, (_, index) => ({
    inputs: record(lists.declared, index),
    undeclared: record(lists.undeclared, index),
  }));
}

function* entries(lists: InputLists): Iterable<readonly [string, readonly unknown[]]> {
  yield* lists.declared;
  yield* lists.undeclared;
}

/** Without an index the lists themselves. Names come from prompts, so the record has no prototype to hit. */
function record(
  lists: ReadonlyMap<string, readonly unknown[]>,
  index?: number,
): Record<string, unknown> {
  const values: Record<string, unknown> = Object.create(null);
  for (const [name, list] of lists) {
    values[name] = index === undefined ? list : list[Math.min(index, list.length - 1)];
  }
  return values;
}
