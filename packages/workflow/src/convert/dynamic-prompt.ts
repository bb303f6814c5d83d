/** Splitting by it leaves tokens at odd places and the text between them at even ones. */
const TOKEN = /(\\[{|}]|[{|}])/;

/**
 * What the page does to a prompt text when it queues: comments go, and of each `{a|b|c}` one option stays; options may
 * nest, and `\{`, `\}`, `\|` stand for themselves. A brace that is never closed ends with the text.
 */
export function chooseDynamicPrompt(text: string, random: () => number): string {
  /** Options of each open brace; the first entry is the text around all of them. */
  const open: string[][] = [[""]];
  withoutComments(text)
    .split(TOKEN)
    .forEach((piece, index) => {
      const isToken = index % 2 === 1;
      if (isToken && piece.length === 2) write(piece.charAt(1));
      else if (isToken && piece === "{") open.push([""]);
      else if (isToken && piece === "}" && open.length > 1) close();
      else if (isToken && piece === "|" && open.length > 1) open.at(-1)?.push("");
      else write(piece);
    });
  while (open.length > 1) close();
  return open[0]?.[0] ?? "";

  function write(piece: string): void {
    const options = open.at(-1);
    if (options !== undefined) options[options.length - 1] += piece;
  }

  function close(): void {
    const options = open.pop() ?? [];
    write(options[Math.floor(random() * options.length)] ?? "");
  }
}

/**
 * Block comments that close go, and what follows `//` in its line. In one pass: a pattern would look for the end of each
 * unclosed comment through the whole text again.
 */
function withoutComments(text: string): string {
  const lastClosing = text.lastIndexOf("*/");
  let kept = "";
  let from = 0;
  for (let at = text.indexOf("/"); at !== -1; at = text.indexOf("/", at)) {
    const end = endOfComment(text, at, lastClosing);
    if (end === undefined) {
      at += 1;
    } else {
      kept += text.slice(from, at);
      from = end;
      at = end;
    }
  }
  return kept + text.slice(from);
}

/** Undefined where no comment starts at `at`. */
function endOfComment(text: string, at: number, lastClosing: number): number | undefined {
  const second = text[at + 1];
  if (second === "*" && lastClosing >= at + 2) return text.indexOf("*/", at + 2) + 2;
  if (second !== "/") return undefined;
  const lineEnd = /[\n\r\u2028\u2029]/g;
  lineEnd.lastIndex = at;
  return lineEnd.exec(text)?.index ?? text.length;
}
