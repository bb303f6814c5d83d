/** What may not stand in a file name on some system, and control characters. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters to replace
const FORBIDDEN = /[/?<>\\:*|"\u0000-\u001f\u007f]/g;

/**
 * Fills in `%date:FORMAT%` and `%Node.widget%` as the page does when it queues. Others, such as `%width%`, stay for the
 * server. `findValue` gives the value of a node's widget, or undefined.
 */
export function fillFilePrefix(
  text: string,
  now: Date,
  findValue: (node: string, widget: string) => unknown,
): string {
  return text.replace(/%([^%]+)%/g, (whole, inside: string) => {
    if (inside.startsWith("date:")) return formatDate(inside.slice("date:".length), now);
    const parts = inside.split(".");
    const [node, widget] = parts;
    if (parts.length !== 2 || node === undefined || widget === undefined) return whole;
    const value = findValue(node, widget);
    if (value === undefined || value === null) return whole;
    return String(value).replace(FORBIDDEN, "_");
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
