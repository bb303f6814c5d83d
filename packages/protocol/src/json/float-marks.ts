/**
 * JavaScript reads `5` and `5.0` as one number; Python, and so ComfyUI, keeps them apart. Whoever
 * reads JSON notes beside the container which of its whole numbers were written as floats. Values
 * stay plain numbers. The notes do not survive structuredClone, spread or JSON.parse: between
 * processes send the text of `stringifyJson`.
 */
const floatKeys = new WeakMap<object, Set<string>>();

/** Notes whether the whole number under `key` is a float. */
export function markFloat(container: object, key: string | number, isFloat = true): void {
  const keys = floatKeys.get(container);
  if (!isFloat) keys?.delete(String(key));
  else if (keys === undefined) floatKeys.set(container, new Set([String(key)]));
  else keys.add(String(key));
}

/** Whether the number under `key` is a float to Python: it has a fraction, is not finite, or was written as one. */
export function isFloatAt(container: object, key: string | number): boolean {
  const value: unknown = Reflect.get(container, key);
  if (typeof value !== "number") return false;
  return !Number.isInteger(value) || hasFloatMark(container, key);
}

export function hasFloatMark(container: object, key: string | number): boolean {
  return floatKeys.get(container)?.has(String(key)) ?? false;
}

/** For copies of a container: the copy's whole numbers are floats where the original's are. */
export function copyFloatMarks(from: object, to: object): void {
  const keys = floatKeys.get(from);
  if (keys !== undefined) floatKeys.set(to, new Set(keys));
}
