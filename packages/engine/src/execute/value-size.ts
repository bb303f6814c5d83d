/** Fixed cost of a value that holds no array: an object, a few fields. */
const SMALL_VALUE_BYTES = 64;

/** About how many bytes values keep alive: array buffers once each, text by length, all else a little. */
export function sizeOfValues(values: unknown): number {
  const seen = new Set<object>();
  const waiting: unknown[] = [values];
  let bytes = 0;
  while (waiting.length > 0) {
    const value = waiting.pop();
    if (typeof value === "string") bytes += value.length * 2;
    if (typeof value !== "object" || value === null || seen.has(value)) continue;
    seen.add(value);
    if (ArrayBuffer.isView(value)) {
      if (!seen.has(value.buffer)) bytes += value.buffer.byteLength;
      seen.add(value.buffer);
    } else {
      bytes += SMALL_VALUE_BYTES;
      if (value instanceof Map) waiting.push(...value.values());
      else for (const entry of Object.values(value)) waiting.push(entry);
    }
  }
  return bytes;
}
