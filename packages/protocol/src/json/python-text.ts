import { hasFloatMark } from "./float-marks.ts";
import { pythonFloat } from "./python-float.ts";

/** Deeper values are cut short: these texts are for error messages. */
const MAX_DEPTH = 16;

/** What Python's `str()` makes of a JSON value. `isFloat` tells that a whole number is a float. */
export function pythonStr(value: unknown, isFloat = false): string {
  return typeof value === "string" ? value : pythonRepr(value, isFloat);
}

/** What Python's `repr()` makes of a JSON value: `{'a': 1}`, `[True, None]`, `'text'`. */
export function pythonRepr(value: unknown, isFloat = false): string {
  return write(value, isFloat, 0);
}

/** The name of Python's type for a JSON value. */
export function pythonType(value: unknown, isFloat = false): string {
  if (value === null || value === undefined) return "NoneType";
  if (typeof value === "string") return "str";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "bigint") return "int";
  if (typeof value === "number") return isFloat || !Number.isInteger(value) ? "float" : "int";
  return Array.isArray(value) ? "list" : "dict";
}

function write(value: unknown, isFloat: boolean, depth: number): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "string") return quote(value);
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") {
    return isFloat || !Number.isInteger(value) ? pythonFloat(value) : String(BigInt(value));
  }
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) {
    if (depth >= MAX_DEPTH) return "[...]";
    return `[${value.map((item, i) => write(item, hasFloatMark(value, i), depth + 1)).join(", ")}]`;
  }
  if (depth >= MAX_DEPTH) return "{...}";
  const members = Object.entries(value).map(
    ([key, member]) => `${quote(key)}: ${write(member, hasFloatMark(value, key), depth + 1)}`,
  );
  return `{${members.join(", ")}}`;
}

/** Single quotes, or double ones where the text holds a single and no double one. */
function quote(text: string): string {
  const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
  let quoted = mark;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (character === mark || character === "\\") quoted += `\\${character}`;
    else if (character === "\n") quoted += "\\n";
    else if (character === "\r") quoted += "\\r";
    else if (character === "\t") quoted += "\\t";
    else if (code < 0x20 || (code >= 0x7f && code < 0xa1)) {
      quoted += `\\x${code.toString(16).padStart(2, "0")}`;
    } else quoted += character;
  }
  return quoted + mark;
}
