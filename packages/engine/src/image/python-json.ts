/**
 * JSON as Python's json.dumps writes it by default, which is how ComfyUI's files carry their
 * workflow: ", " and ": " between parts, everything outside ASCII as \uXXXX.
 */
export function pythonJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(pythonJson).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    return `{${entries.map(([key, entry]) => `${asciiString(key)}: ${pythonJson(entry)}`).join(", ")}}`;
  }
  if (typeof value === "string") return asciiString(value);
  return JSON.stringify(value);
}

function asciiString(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
