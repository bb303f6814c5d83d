/**
 * The best of `offered` for an `Accept` header (RFC 9110, 12.5.1): by quality, then by how exactly the range names
 * it, then by our own order. Undefined where nothing fits. `+respond-async` is our own mark and is cut off.
 */
export function bestType<Type extends string>(
  accept: string | undefined,
  offered: readonly Type[],
): Type | undefined {
  const ranges = parseRanges(accept ?? "*/*");
  let best: { type: Type; quality: number; exactness: number } | undefined;
  for (const type of offered) {
    const match = matchOf(type, ranges);
    if (match === undefined || match.quality === 0) continue;
    const isBetter =
      best === undefined ||
      match.quality > best.quality ||
      (match.quality === best.quality && match.exactness > best.exactness);
    if (isBetter) best = { type, ...match };
  }
  return best?.type;
}

interface Range {
  readonly name: string;
  readonly quality: number;
}

function parseRanges(accept: string): Range[] {
  const ranges = accept.split(",").flatMap((part) => {
    const [range = "", ...parameters] = part.split(";").map((text) => text.trim().toLowerCase());
    const name = range.replace("+respond-async", "");
    if (name === "") return [];
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    const value = quality === undefined ? 1 : Number(quality.slice(2));
    return [{ name, quality: Number.isFinite(value) ? Math.min(1, Math.max(0, value)) : 1 }];
  });
  return ranges.length === 0 ? [{ name: "*/*", quality: 1 }] : ranges;
}

/** The most exact range decides about a type, so that `image/png;q=0, image/*` refuses PNG. */
function matchOf(type: string, ranges: readonly Range[]) {
  const group = `${type.split("/", 1)[0]}/*`;
  for (const [exactness, name] of [
    [2, type],
    [1, group],
    [0, "*/*"],
  ] as const) {
    const range = ranges.find((candidate) => candidate.name === name);
    if (range !== undefined) return { quality: range.quality, exactness };
  }
  return undefined;
}
