/** Python's str methods where JavaScript's differ. */

const SPACE =
  "\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const LEADING = new RegExp(`^[${SPACE}]+`, "u");
const ANY = new RegExp(`[${SPACE}]`, "u");

/** What \s stands for, ready for a character class. */
export const PYTHON_SPACE = SPACE;

export function stripStart(text: string): string {
  return text.replace(LEADING, "");
}

/** From the end: a pattern would try again at each space of a long row that something follows. */
export function stripEnd(text: string): string {
  let end = text.length;
  while (end > 0 && ANY.test(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

/** The first character upper case, the rest lower. */
export function capitalize(text: string): string {
  const [first = ""] = text;
  return titleCase(first) + text.slice(first.length).toLowerCase();
}

/** Upper case where a run of letters begins, lower case inside it: they're -> They'Re. */
export function title(text: string): string {
  return text.replace(/[\p{Lu}\p{Ll}\p{Lt}]+/gu, capitalize);
}

function titleCase(character: string): string {
  const [first = "", ...rest] = character.toUpperCase();
  return first + rest.join("").toLowerCase();
}
