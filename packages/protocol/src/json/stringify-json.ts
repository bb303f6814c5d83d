import { hasFloatMark } from "./float-marks.ts";
import { pythonFloat } from "./python-float.ts";

/**
 * Arrays and objects inside each other, by default: more than `parseJson` reads, so that an answer may wrap what came in.
 * Whoever reads what the fleet wrote itself reads as deep.
 */
export const WRITTEN_DEPTH = 320;

export interface StringifyJsonOptions {
  /**
   * `"compact"` is what JSON.stringify writes, plus bigint. `"python"` is what `json.dumps` writes by default: `", "`
   * and `": "`, everything outside ASCII escaped, floats as Python prints them, NaN and infinities as words.
   * @default "compact"
   */
  readonly form?: "compact" | "python";
  /** @default 320 */
  readonly maxDepth?: number;
  /** Characters; no more are put together. @default no limit */
  readonly maxLength?: number;
}

/**
 * The writer that matches `parseJson`: bigint as digits, whole numbers that were read as floats as `5.0`.
 * Properties that are undefined or functions are left out, as JSON.stringify does; at the top they are `null`. Throws a
 * RangeError for what is over a limit.
 */
export function stringifyJson(
  value: unknown,
  {
    form = "compact",
    maxDepth = WRITTEN_DEPTH,
    maxLength = Number.POSITIVE_INFINITY,
  }: StringifyJsonOptions = {},
): string {
  const isPython = form === "python";
  const comma = isPython ? ", " : ",";
  const colon = isPython ? ": " : ":";
  const quote = isPython ? quoteAscii : quoteUnicode;
  return write(value, false, 0);

  function write(given: unknown, isFloat: boolean, depth: number): string {
    const item = hasToJson(given) ? given.toJSON() : given;
    switch (typeof item) {
      case "string":
        return quote(item);
      case "number":
        return number(item, isFloat);
      case "bigint":
        return String(item);
      case "boolean":
        return item ? "true" : "false";
      case "object":
        if (item === null) return "null";
        if (depth >= maxDepth) throw new RangeError(`value nests deeper than ${maxDepth} levels`);
        return Array.isArray(item) ? array(item, depth + 1) : object(item, depth + 1);
      default:
        return "null";
    }
  }

  function array(items: readonly unknown[], depth: number): string {
    let text = "[";
    for (let i = 0; i < items.length; i++) {
      if (i > 0) text += comma;
      text += write(items[i], hasFloatMark(items, i), depth);
      checkLength(text);
    }
    return `${text}]`;
  }

  function object(item: object, depth: number): string {
    let text = "{";
    for (const [key, member] of Object.entries(item)) {
      if (member === undefined || typeof member === "function" || typeof member === "symbol")
        continue;
      if (text.length > 1) text += comma;
      text +=
        quote(key) +
        colon +
        write(member, typeof member === "number" && hasFloatMark(item, key), depth);
      checkLength(text);
    }
    return `${text}}`;
  }

  function checkLength({ length }: string): void {
    if (length > maxLength) throw new RangeError(`value is longer than ${maxLength} characters`);
  }

  function number(item: number, isFloat: boolean): string {
    if (Number.isInteger(item)) {
      if (isFloat) return pythonFloat(item);
      return isPython ? String(BigInt(item)) : String(item);
    }
    if (isPython) return pythonFloat(item, { nan: "NaN", infinity: "Infinity" });
    return Number.isFinite(item) ? String(item) : "null";
  }
}

function hasToJson(value: unknown): value is { toJSON(): unknown } {
  return (
    typeof value === "object" &&
    value !== null &&
    "toJSON" in value &&
    typeof value.toJSON === "function"
  );
}

function quoteUnicode(text: string): string {
  return JSON.stringify(text);
}

const NEEDS_ESCAPE = /[^ -~]|["\\]/;

function quoteAscii(text: string): string {
  if (!NEEDS_ESCAPE.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
