/**
 * Python's `re` patterns as JavaScript regular expressions. Groups, look-around and quantifiers are
 * the same in both; what differs is rewritten: named groups, \A and \Z, what `.`, `^`, `$`, \w, \d,
 * \s and \b mean, lone brackets, leading inline flags. Throws a SyntaxError for what has no
 * counterpart (conditionals, possessive quantifiers, verbose mode).
 */
import { PYTHON_SPACE } from "./python-text.ts";

export type PythonFlags = {
  readonly ignoreCase: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
};

/** Finds all matches (flag g). */
export function pythonRegExp(pattern: string, flags: PythonFlags): RegExp {
  const inline = /^\(\?([a-zA-Z]+)\)/.exec(pattern);
  const letters = inline?.[1] ?? "";
  if (letters.includes("x"))
    throw new SyntaxError("verbose regular expressions (?x) are not supported");
  const all = {
    ignoreCase: flags.ignoreCase || letters.includes("i"),
    multiline: flags.multiline || letters.includes("m"),
    dotAll: flags.dotAll || letters.includes("s"),
  };
  const source = translate(pattern.slice(inline?.[0].length ?? 0), all);
  return new RegExp(source, all.ignoreCase ? "giu" : "gu");
}

const WORD = "\\p{L}\\p{N}_";
const END = "(?![\\s\\S])";
const START = "(?<![\\s\\S])";
const WORD_EDGE = `(?:(?<=[${WORD}])(?![${WORD}])|(?<![${WORD}])(?=[${WORD}]))`;
const NOT_WORD_EDGE = `(?:(?<=[${WORD}])(?=[${WORD}])|(?<![${WORD}])(?![${WORD}]))`;

/** One token of a pattern at a time; the alternatives are tried in order. */
const TOKEN =
  /\(\?#[^)]*\)|\(\?P<(?<name>\w+)>|\(\?P=(?<reference>\w+)\)|\(\?\(|\\(?<escape>[\s\S])|\[(?<not>\^?)(?<members>\]?(?:\\[\s\S]|[^\]\\])*)\]|(?<quantifier>\{\d*(?:,\d*)?\})|[\s\S]/gu;

function translate(pattern: string, flags: PythonFlags): string {
  return pattern.replace(TOKEN, (token, ...rest) => {
    const groups: Record<string, string | undefined> = rest.at(-1);
    if (token.startsWith("(?#")) return "";
    if (token === "(?(") throw new SyntaxError("conditional groups (?(...) are not supported");
    if (groups.name !== undefined) return `(?<${groups.name}>`;
    if (groups.reference !== undefined) return `\\k<${groups.reference}>`;
    if (groups.escape !== undefined) return escapeOutside(groups.escape);
    if (groups.members !== undefined) return `[${groups.not ?? ""}${classMembers(groups.members)}]`;
    if (groups.quantifier !== undefined) return quantifier(groups.quantifier);
    return plain(token, flags);
  });
}

function plain(character: string, { multiline, dotAll }: PythonFlags): string {
  switch (character) {
    case ".":
      return dotAll ? "[\\s\\S]" : "[^\\n]";
    case "^":
      return multiline ? `(?:${START}|(?<=\\n))` : START;
    case "$":
      return multiline ? `(?=\\n|${END})` : `(?=\\n?${END})`;
    case "]":
    case "{":
    case "}":
      return `\\${character}`;
    default:
      return character;
  }
}

function escapeOutside(character: string): string {
  switch (character) {
    case "A":
      return START;
    case "Z":
      return END;
    case "b":
      return WORD_EDGE;
    case "B":
      return NOT_WORD_EDGE;
    case "w":
      return `[${WORD}]`;
    case "W":
      return `[^${WORD}]`;
    case "s":
      return `[${PYTHON_SPACE}]`;
    case "S":
      return `[^${PYTHON_SPACE}]`;
    default:
      return commonEscape(character);
  }
}

function classMembers(members: string): string {
  const closing = members.startsWith("]") ? "\\]" : "";
  return (
    closing +
    members.slice(closing === "" ? 0 : 1).replace(/\\([\s\S])|\[/gu, (token, escaped?: string) => {
      if (escaped === undefined) return "\\[";
      if (escaped === "w") return WORD;
      if (escaped === "s") return PYTHON_SPACE;
      if (escaped === "W") return "\\P{L}";
      if (escaped === "b") return "\\x08";
      if (escaped === "-") return "\\-";
      return token === "\\S" ? token : commonEscape(escaped);
    })
  );
}

/** Escapes that mean the same inside and outside of brackets. */
function commonEscape(character: string): string {
  if (character === "d") return "\\p{Nd}";
  if (character === "D") return "\\P{Nd}";
  if (character === "a") return "\\x07";
  if (/[fnrtvxu0-9]/.test(character)) return `\\${character}`;
  if (/[a-zA-Z]/.test(character)) throw new SyntaxError(`bad escape \\${character}`);
  return /[\^$\\.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

/** {,n} counts from 0; braces that count nothing are themselves. */
function quantifier(braces: string): string {
  if (braces === "{}" || braces === "{,}") return braces.replace(/[{}]/g, "\\$&");
  return braces.replace("{,", "{0,");
}
