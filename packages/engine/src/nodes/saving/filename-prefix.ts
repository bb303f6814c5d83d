/**
 * What stands between percent signs in a file name prefix: %width% %height% %year% %month% %day%
 * %hour% %minute% %second%, %date:yyyy-MM-dd% and %Node.widget%. %batch_num% is replaced for each
 * picture, when its name is made. Everything else stays as it is.
 */
import { nodeValue, type SubmittedGraph } from "./node-value.ts";

export type PrefixFacts = SubmittedGraph & {
  readonly width: number;
  readonly height: number;
  readonly now: Date;
};

export function expandPrefix(prefix: string, facts: PrefixFacts): string {
  return prefix.replace(/%([^%]+)%/g, (whole, word: string) => {
    if (word.startsWith("date:")) return formatDate(word.slice("date:".length), facts.now);
    const simple = SIMPLE_WORDS.get(word);
    return simple === undefined ? (nodeValue(word, facts) ?? whole) : simple(facts);
  });
}

const SIMPLE_WORDS = new Map<string, (facts: PrefixFacts) => string>([
  ["width", ({ width }) => String(width)],
  ["height", ({ height }) => String(height)],
  ["year", ({ now }) => String(now.getFullYear())],
  ["month", ({ now }) => twoDigits(now.getMonth() + 1)],
  ["day", ({ now }) => twoDigits(now.getDate())],
  ["hour", ({ now }) => twoDigits(now.getHours())],
  ["minute", ({ now }) => twoDigits(now.getMinutes())],
  ["second", ({ now }) => twoDigits(now.getSeconds())],
]);

/** d dd M MM h hh (24 hours) m mm s ss yy yyyy; other characters stay. */
function formatDate(format: string, now: Date): string {
  return format.replace(/dd?|MM?|hh?|mm?|ss?|yyyy|yy/g, (token) => {
    const year = String(now.getFullYear());
    if (token === "yyyy") return year;
    if (token === "yy") return year.slice(-2);
    return dateNumber(token, now).toString().padStart(token.length, "0");
  });
}

function dateNumber(token: string, now: Date): number {
  switch (token[0]) {
    case "d":
      return now.getDate();
    case "M":
      return now.getMonth() + 1;
    case "h":
      return now.getHours();
    case "m":
      return now.getMinutes();
    default:
      return now.getSeconds();
  }
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
