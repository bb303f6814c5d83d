import { markFloat } from "./float-marks.ts";
import { endOfNumber, endOfString } from "./scan-json.ts";

export interface ReadJsonOptions {
  readonly maxDepth: number;
  readonly fail: (offset: number, problem: string) => never;
}

/** CPython reads no longer ones either: the time that reading takes grows with the square of the digits. */
const MAX_INTEGER_LENGTH = 4_300;

const NUMBER = /^-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;

/** The slow way to read JSON, for texts in which `JSON.parse` would lose a number. */
export function readJson(text: string, { maxDepth, fail }: ReadJsonOptions): unknown {
  let position = 0;
  let wasFloat = false;

  const value = readValue(0);
  skipSpace();
  if (position < text.length) fail(position, `expected the end, got ${shown()}`);
  return value;

  function readValue(depth: number): unknown {
    skipSpace();
    const character = text[position];
    wasFloat = false;
    if (character === '"') return readString();
    if (character === "{") return readObject(depth + 1);
    if (character === "[") return readArray(depth + 1);
    if (character === "-" || (character !== undefined && character >= "0" && character <= "9")) {
      return readNumber();
    }
    return readWord();
  }

  function readObject(depth: number): Record<string, unknown> {
    checkDepth(depth);
    const object: Record<string, unknown> = {};
    position += 1;
    skipSpace();
    if (take("}")) return object;
    do {
      skipSpace();
      if (text[position] !== '"') fail(position, `expected a key in quotes, got ${shown()}`);
      const key = readString();
      skipSpace();
      if (!take(":"))
        fail(position, `expected ":" after the key ${JSON.stringify(key)}, got ${shown()}`);
      const member = readValue(depth);
      if (key === "__proto__") {
        Object.defineProperty(object, key, {
          value: member,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      } else {
        object[key] = member;
      }
      if (wasFloat) markFloat(object, key);
      wasFloat = false;
      skipSpace();
    } while (take(","));
    if (!take("}")) fail(position, `expected "," or "}" in the object, got ${shown()}`);
    return object;
  }

  function readArray(depth: number): unknown[] {
    checkDepth(depth);
    const array: unknown[] = [];
    position += 1;
    skipSpace();
    if (take("]")) return array;
    do {
      array.push(readValue(depth));
      if (wasFloat) markFloat(array, array.length - 1);
      wasFloat = false;
      skipSpace();
    } while (take(","));
    if (!take("]")) fail(position, `expected "," or "]" in the array, got ${shown()}`);
    return array;
  }

  function readString(): string {
    const end = endOfString(text, position);
    if (end === -1) fail(position, "the string that starts here has no end");
    const literal = text.slice(position, end + 1);
    try {
      const parsed: unknown = JSON.parse(literal);
      if (typeof parsed === "string") {
        position = end + 1;
        return parsed;
      }
    } catch {
      // said below
    }
    return fail(
      position,
      "the string that starts here holds a raw control character or a wrong escape",
    );
  }

  function readNumber(): number | bigint {
    const start = position;
    if (take("-") && text.startsWith("Infinity", position)) {
      position += "Infinity".length;
      return Number.NEGATIVE_INFINITY;
    }
    const end = endOfNumber(text, position);
    const literal = text.slice(start, end);
    const match = NUMBER.exec(literal);
    if (match === null) return fail(start, `${JSON.stringify(literal)} is not a number`);
    position = end;
    const number = Number(literal);
    const isFloat = match[1] !== undefined || match[2] !== undefined;
    if (!isFloat) {
      if (Number.isSafeInteger(number)) return number;
      if (literal.length > MAX_INTEGER_LENGTH) {
        fail(
          start,
          `an integer of ${literal.length} digits: at most ${MAX_INTEGER_LENGTH} are read`,
        );
      }
      return BigInt(literal);
    }
    wasFloat = Number.isInteger(number);
    return number;
  }

  function readWord(): unknown {
    for (const [word, value] of WORDS) {
      if (!text.startsWith(word, position)) continue;
      position += word.length;
      return value;
    }
    return fail(position, `expected a value, got ${shown()}`);
  }

  function take(character: string): boolean {
    if (text[position] !== character) return false;
    position += 1;
    return true;
  }

  function skipSpace(): void {
    for (;;) {
      const code = text.charCodeAt(position);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      position += 1;
    }
  }

  function checkDepth(depth: number): void {
    if (depth > maxDepth) fail(position, `arrays and objects nest deeper than ${maxDepth} levels`);
  }

  function shown(): string {
    const character = text[position];
    return character === undefined ? "the end of the text" : JSON.stringify(character);
  }
}

const WORDS: readonly (readonly [string, unknown])[] = [
  ["true", true],
  ["false", false],
  ["null", null],
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
];
