const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*/g;

/**
 * What the page does to a prompt text when it queues: comments go, and of each `{a|b|c}` one option stays; options may
 * nest, and `\{`, `\}`, `\|` stand for themselves. A brace that is never closed ends with the text.
 */
export function chooseDynamicPrompt(text: string, random: () => number): string {
  /** Options of each open brace; the first entry is the text around all of them. */
  const open: string[][] = [[""]];
  const source = text.replace(COMMENT, "");
  for (let i = 0; i < source.length; i++) {
    const character = source.charAt(i);
    if (character === "\\" && "{}|".includes(source.charAt(i + 1)) && i + 1 < source.length) {
      i += 1;
      write(source.charAt(i));
    } else if (character === "{") {
      open.push([""]);
    } else if (character === "}" && open.length > 1) {
      close();
    } else if (character === "|" && open.length > 1) {
      open.at(-1)?.push("");
    } else {
      write(character);
    }
  }
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
