import { pythonRepr, pythonStr, pythonType } from "@rabbitloom/protocol";
import type { Received } from "./problems.ts";

export type Coerced =
  | { readonly ok: true; readonly value: unknown; readonly isFloat: boolean }
  | { readonly ok: false; readonly problem: string };

/** What ComfyUI makes of a literal by the input's type: Python's int(), float(), str(), bool(). Other types keep it. */
export function coerceLiteral(type: unknown, received: Received): Coerced {
  switch (type) {
    case "INT":
      return toInt(received);
    case "FLOAT":
      return toFloat(received);
    case "STRING":
      return coerced(pythonStr(received.value, received.isFloat), false);
    case "BOOLEAN":
      return coerced(isTrue(received.value), false);
    default:
      return coerced(received.value, received.isFloat);
  }
}

const INT_TEXT = /^[+-]?\d+(?:_\d+)*$/;
/** Each character fits one place only: else a long text that is no number would be tried in as many ways as it has pairs. */
const FLOAT_TEXT = /^[+-]?(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:e[+-]?\d[\d_]*)?$/i;
const FLOAT_WORD = /^([+-]?)(inf|infinity|nan)$/i;

/** CPython reads at most so many digits into an int. */
const MAX_INT_DIGITS = 4300;

function toInt({ value, isFloat }: Received): Coerced {
  if (typeof value === "boolean") return coerced(Number(value), false);
  if (typeof value === "bigint") return coerced(value, false);
  if (typeof value === "number") {
    if (Number.isNaN(value)) return failed("cannot convert float NaN to integer");
    if (!Number.isFinite(value)) return failed("cannot convert float infinity to integer");
    return coerced(exactInt(Math.trunc(value)), false);
  }
  if (typeof value === "string") {
    const text = value.trim();
    if (text.length > MAX_INT_DIGITS) {
      return failed(`Exceeds the limit (${MAX_INT_DIGITS} digits) for integer string conversion`);
    }
    if (!INT_TEXT.test(text)) {
      return failed(`invalid literal for int() with base 10: ${pythonRepr(value)}`);
    }
    const integer = BigInt(text.replaceAll("_", "").replace("+", ""));
    const number = Number(integer);
    return coerced(Number.isSafeInteger(number) ? number : integer, false);
  }
  const got = pythonType(value, isFloat);
  return failed(
    `int() argument must be a string, a bytes-like object or a real number, not '${got}'`,
  );
}

function toFloat({ value, isFloat }: Received): Coerced {
  if (typeof value === "number") return coerced(value, true);
  if (typeof value === "boolean" || typeof value === "bigint") return coerced(Number(value), true);
  if (typeof value === "string") {
    const text = value.trim();
    const word = FLOAT_WORD.exec(text);
    if (word !== null) {
      const size = word[2]?.toLowerCase() === "nan" ? Number.NaN : Number.POSITIVE_INFINITY;
      return coerced(word[1] === "-" ? -size : size, true);
    }
    if (FLOAT_TEXT.test(text)) return coerced(Number(text.replaceAll("_", "")), true);
    return failed(`could not convert string to float: ${pythonRepr(value)}`);
  }
  return failed(
    `float() argument must be a string or a real number, not '${pythonType(value, isFloat)}'`,
  );
}

/** Python's truth: empty texts and containers, zero and nothing are false. */
function isTrue(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return Number.isNaN(value) || Boolean(value);
  return Object.keys(value).length > 0;
}

function exactInt(value: number): number | bigint {
  return Number.isSafeInteger(value) ? value : BigInt(value);
}

function coerced(value: unknown, isFloat: boolean): Coerced {
  return { ok: true, value, isFloat };
}

function failed(problem: string): Coerced {
  return { ok: false, problem };
}
