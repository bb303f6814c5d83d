import { NotConvertible } from "./not-convertible.ts";

/** What may not stand in a file name on some system, and control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
const FORBIDDEN = /[/?<>\\:*|"\u0000-\u001f\u007f]/g;

/** Characters that widgets add to one text: no file system has a path longer than this. */
const MOST_FILLED = 4_096;

/**
 * Fills in `%date:FORMAT%` and `%Node.widget%` as the page does when it queues. Others, such as `%width%` and widgets whose
 * value is a list or an object, stay for the server. `findValue` gives the value of a node's widget, or undefined. Throws
 * WORKFLOW_NOT_CONVERTIBLE where widgets add more than 4,096 characters.
 */
export function fillFilePrefix(
  text: string,
  now: Date,
  findValue: (node: string, widget: string) => unknown,
): string {
  let filled = 0;
  return text.replace(/%([^%]+)%/g, (whole, inside: string) => {
    if (inside.startsWith("date:")) return formatDate(inside.slice("date:".length), now);
    const parts = inside.split(".");
    const [node, widget] = parts;
    if (parts.length !== 2 || node === undefined || widget === undefined) return whole;
    const value = findValue(node, widget);
    if (value === undefined || typeof value === "object") return whole;
    const shown = String(value);
    filled += shown.length;
    if (filled > MOST_FILLED) {
      const reference = whole.length > 80 ? `${whole.slice(0, 80)}...` : whole;
      throw new NotConvertible(
        [],
        `${reference}: widgets add more than ${MOST_FILLED} characters to a text`,
      );
    }
    return shown.replace(FORBIDDEN, "_");
  });
}

function formatDate(format: string, date: Date): string {
  const numbers: Readonly<Record<string, number>> = {
    d: date.getDate(),
    M: date.getMonth() + 1,
    h: date.getHours(),
    m: date.getMinutes(),
    s: date.getSeconds(),
  };
  return format.replace(/yyyy|yy|dd?|MM?|hh?|mm?|ss?/g, (token) => {
    const year = String(date.getFullYear());
    if (token === "yyyy") return year;
    if (token === "yy") return year.slice(-2);
    return String(numbers[token.charAt(0)] ?? "").padStart(token.length, "0");
  });
}
