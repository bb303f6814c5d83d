/**
 * Whether a link may carry `received` into an input of type `wanted`: equal types, one name in common between comma
 * lists, `*` on either side, or a COMBO into a list of choices.
 *
 * ComfyUI has three kinds of `*` that look the same in `/object_info`; two of them match everything, the third only
 * itself. A catalog cannot tell them apart, so here all of them match.
 */
export function typesMatch(received: unknown, wanted: unknown): boolean {
  if (typeof received === "string" && typeof wanted === "string") {
    if (received === wanted) return true;
    const names = new Set(namesOf(received));
    const wantedNames = namesOf(wanted);
    return names.has("*") || wantedNames.some((name) => name === "*" || names.has(name));
  }
  if (Array.isArray(received) && Array.isArray(wanted)) {
    return received.length === wanted.length && received.every((value, i) => value === wanted[i]);
  }
  const name = typeof received === "string" ? received : wanted;
  return name === "*" || name === "COMBO";
}

function namesOf(type: string): string[] {
  return type.split(",").map((name) => name.trim());
}
