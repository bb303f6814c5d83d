/** A double as C's %a and Python's float.hex write it: `-0x1.8a7eb8p+0`. */
export function hexFloat(text: string): number {
  const match = /^(-?)0x([01])\.([0-9a-f]+)p([+-]\d+)$/.exec(text);
  const [, sign = "", whole = "0", digits = "0", exponent = "0"] = match ?? [];
  if (match === null) throw new Error(`not a hexadecimal float: ${text}`);
  const fraction = Number.parseInt(digits, 16) / 16 ** digits.length;
  return (sign === "-" ? -1 : 1) * (Number(whole) + fraction) * 2 ** Number(exponent);
}
