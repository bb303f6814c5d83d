/**
 * JSON whose whole numbers stay what they were: seeds have 64 bits, and a JavaScript number holds 53. A number
 * that would change is kept as its digits, in the way of the JSON.rawJSON proposal (in browsers since 2023 to 2025).
 */

/** A number kept as its digits; `JSON.stringify` writes them as they are. */
export interface RawNumber {
  readonly rawJSON: string;
}

interface RawJsonApi {
  rawJSON(text: string): RawNumber;
  isRawJSON(value: unknown): value is RawNumber;
}

function hasRawJson(json: object): json is RawJsonApi {
  return "rawJSON" in json && "isRawJSON" in json;
}

/** As `JSON.parse`, except for numbers that it would change. */
export function parseExactly(text: string): unknown {
  const reviver = (_key: string, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" && context?.source !== undefined
      ? exactNumber(context.source, value)
      : value;
  return JSON.parse(text, reviver);
}

/** The number that the digits say; kept as digits where a JavaScript number would be another one. */
export function exactNumber(digits: string, value = Number(digits)): number | RawNumber {
  const isExact = Number.isSafeInteger(value) || !/^-?\d+$/.test(digits);
  return isExact || !hasRawJson(JSON) ? value : JSON.rawJSON(digits);
}

export function isRawNumber(value: unknown): value is RawNumber {
  return hasRawJson(JSON) && JSON.isRawJSON(value);
}
