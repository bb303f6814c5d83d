/** A stretch of a prompt under one weight. */
export interface WeightedText {
  readonly text: string;
  readonly weight: number;
}

/**
 * ComfyUI's emphasis: `(x)` multiplies the weight by 1.1, `(x:1.3)` sets it, `\(` and `\)` are plain signs. What
 * stands after the last colon counts if it is a number. An open parenthesis without its end is plain text.
 */
export function promptWeights(prompt: string): WeightedText[] {
  const hidden = prompt.replaceAll("\\(", HIDDEN_OPEN).replaceAll("\\)", HIDDEN_CLOSE);
  return weighted(hidden, 1).map(({ text, weight }) => ({
    text: text.replaceAll(HIDDEN_OPEN, "(").replaceAll(HIDDEN_CLOSE, ")"),
    weight,
  }));
}

const EMPHASIS = 1.1;
const HIDDEN_OPEN = "\0\u0001";
const HIDDEN_CLOSE = "\0\u0002";
/** Each character fits one place only: a long text that is nearly a number is then read once. */
const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i;

function weighted(text: string, weight: number): WeightedText[] {
  return splitGroups(text).flatMap((part) => {
    const isGroup = part.length >= 2 && part.startsWith("(") && part.endsWith(")");
    if (!isGroup) return [{ text: part, weight }];
    const inner = part.slice(1, -1);
    const colon = inner.lastIndexOf(":");
    const number = inner.slice(colon + 1).trim();
    if (colon > 0 && NUMBER.test(number)) return weighted(inner.slice(0, colon), Number(number));
    return weighted(inner, weight * EMPHASIS);
  });
}

/** Cuts out the outermost parentheses. One that closes too early counts: the next to open is then plain. */
function splitGroups(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  const cut = (end: number) => {
    if (end > start) parts.push(text.slice(start, end));
    start = end;
  };
  for (let i = 0; i < text.length; i++) {
    if (text[i] === "(") {
      if (depth === 0) cut(i);
      depth += 1;
    } else if (text[i] === ")") {
      depth -= 1;
      if (depth === 0) cut(i + 1);
    }
  }
  cut(text.length);
  return parts;
}
