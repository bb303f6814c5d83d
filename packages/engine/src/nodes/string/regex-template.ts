/** What re.sub puts in place of a match: \1, \g<1>, \g<name>, \g<0>, \n and the like; $ is itself. */
export function expandTemplate(template: string, match: RegExpExecArray): string {
  return template.replace(
    /\\(?:g<(?<group>[^<>\\]+)>|(?<number>[1-9]\d?)|(?<character>[\s\S]))/gu,
    (whole, ...rest) => {
      const parts: Record<string, string | undefined> = rest.at(-1);
      const reference = parts.group ?? parts.number;
      if (reference !== undefined) return groupText(reference, match);
      return ESCAPES[parts.character ?? ""] ?? letterless(whole);
    },
  );
}

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  f: "\f",
  v: "\v",
  a: "\x07",
  b: "\b",
  "0": "\0",
  "\\": "\\",
};

function groupText(reference: string, match: RegExpExecArray): string {
  const isNumber = /^\d+$/.test(reference);
  const exists = isNumber
    ? Number(reference) < match.length
    : Object.hasOwn(match.groups ?? {}, reference);
  if (!exists) throw new SyntaxError(`the pattern has no group ${reference}`);
  return (isNumber ? match[Number(reference)] : match.groups?.[reference]) ?? "";
}

function letterless(token: string): string {
  if (/[a-zA-Z]/.test(token)) throw new SyntaxError(`bad escape ${token} in the replacement`);
  return token;
}
