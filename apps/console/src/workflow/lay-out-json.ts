const INDENT = "  ";

/**
 * The same JSON, one value a line. Works on the text, so that no number can change: a value may be a bigint, or a
 * whole number that was written as a float.
 */
export function layOutJson(compact: string): string {
  let depth = 0;
  const line = () => `\n${INDENT.repeat(depth)}`;
  return compact.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]/g, (token) => {
    switch (token) {
      case "{":
      case "[":
        depth += 1;
        return token + line();
      case "}":
      case "]":
        depth -= 1;
        return line() + token;
      case ",":
        return token + line();
      case ":":
        return ": ";
      default:
        return token; // a text, or a container without anything in it
    }
  });
}
