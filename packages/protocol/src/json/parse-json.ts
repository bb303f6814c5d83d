import { CodedError } from "../errors.ts";
import { readJson } from "./read-json.ts";
import { isPlainJson } from "./scan-json.ts";

/** Nothing that people draw nests deeper than some twenty levels. */
const DEFAULT_MAX_DEPTH = 256;

export interface ParseJsonOptions {
  /** Arrays and objects inside each other. @default 256 */
  readonly maxDepth?: number;
}

/**
 * Reads JSON without losing numbers: integers beyond 2^53 come as bigint, and whole numbers written as
 * floats (`5.0`, `1e3`) are noted for `isFloatAt`. `NaN` and the two infinities are read as Python writes them.
 * Throws INVALID_JSON with line and column. A key `__proto__` becomes an ordinary property.
 */
export function parseJson(
  text: string,
  { maxDepth = DEFAULT_MAX_DEPTH }: ParseJsonOptions = {},
): unknown {
  if (isPlainJson(text, maxDepth)) {
    try {
      return JSON.parse(text);
    } catch {
      // The reader below says where the mistake is, in the same words on every JavaScript engine.
    }
  }
  return readJson(text, {
    maxDepth,
    fail: (offset, problem) => {
      const before = text.slice(0, offset);
      const line = before.split("\n").length;
      const column = offset - before.lastIndexOf("\n");
      throw new CodedError("INVALID_JSON", `JSON, line ${line}, column ${column}: ${problem}`, {
        details: { line, column },
      });
    },
  });
}
