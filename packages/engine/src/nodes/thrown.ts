/** Long enough for a compiler's complaint; readers of a job are not sent megabytes. */
const LONGEST_TEXT = 16_384;

/** Whatever was thrown, as text. Nodes throw anything: also what has no text, or throws again when it is looked at. */
export function thrownText(thrown: unknown): string {
  const text = readSafely(() => String(thrown instanceof Error ? thrown.message : thrown));
  return shortened(text ?? "what was thrown has no text");
}

/** Undefined where reading throws. */
export function readSafely<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

export function shortened(text: string): string {
  if (text.length <= LONGEST_TEXT) return text;
  return `${text.slice(0, LONGEST_TEXT)} ... (${text.length} characters)`;
}
