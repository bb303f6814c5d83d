/** About how many characters a value takes as JSON; it takes no longer to tell than that. */
export function valueSize(value: unknown): number {
  if (typeof value === "string") return value.length;
  if (typeof value !== "object" || value === null) return 1;
  if (Array.isArray(value))
    return value.reduce<number>((sum, item) => sum + 1 + valueSize(item), 2);
  return Object.entries(value).reduce(
    (sum, [name, member]) => sum + 1 + name.length + valueSize(member),
    2,
  );
}
