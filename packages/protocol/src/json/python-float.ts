/**
 * A float as Python prints it: the shortest digits that read back the same, with an exponent of at least two digits
 * below 1e-4 and from 1e16 on, and always a dot or an exponent. 5 -> "5.0", 1e16 -> "1e+16", 0.00001 -> "1e-05".
 */
export function pythonFloat(value: number, words = { nan: "nan", infinity: "inf" }): string {
  if (Number.isNaN(value)) return words.nan;
  if (!Number.isFinite(value)) return value > 0 ? words.infinity : `-${words.infinity}`;
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const size = Math.abs(value);
  if (size >= 1e16 || size < 1e-4) {
    return value
      .toExponential()
      .replace(
        /e([+-])(\d+)$/,
        (_, sign: string, digits: string) => `e${sign}${digits.padStart(2, "0")}`,
      );
  }
  const text = String(value);
  return Number.isInteger(value) ? `${text}.0` : text;
}
