import type { AppliedControl } from "../models/control-net.ts";
import type { ResolvedEntry } from "./resolve-entries.ts";

/** A ControlNet in terms of one sampling. */
export interface ResolvedControl extends AppliedControl {
  /** Adds nothing above this level, nor below the next. */
  readonly sigmaStart: number;
  readonly sigmaEnd: number;
  readonly previous?: ResolvedControl;
}

export function resolveControl(
  { previous, ...control }: AppliedControl,
  sigmaAtPercent: (percent: number) => number,
): ResolvedControl {
  return {
    ...control,
    sigmaStart: sigmaAtPercent(control.startPercent),
    sigmaEnd: sigmaAtPercent(control.endPercent),
    ...(previous === undefined ? {} : { previous: resolveControl(previous, sigmaAtPercent) }),
  };
}

/**
 * What of the positive prompt counts for the other sides too: of the entries without area, what the first has goes to the
 * first of a side's, and so on around; unless one of the side's has some of its own.
 */
export function shareWithSides<Key extends "control" | "boxes">(
  key: Key,
  sides: readonly (readonly ResolvedEntry[])[],
  isShared: (entry: ResolvedEntry) => boolean,
): ResolvedEntry[][] {
  const [positive = [], ...others] = sides;
  const shared = positive.filter(isShared).flatMap((entry) => {
    const value = entry.area === undefined ? entry[key] : undefined;
    return value === undefined ? [] : [value];
  });
  return [[...positive], ...others.map((side) => withShared(key, side, shared))];
}

function withShared<Key extends "control" | "boxes">(
  key: Key,
  side: readonly ResolvedEntry[],
  shared: readonly NonNullable<ResolvedEntry[Key]>[],
): ResolvedEntry[] {
  const whole = side.filter(({ area }) => area === undefined);
  if (whole.some((entry) => entry[key] !== undefined)) return [...side];
  const values = new Map<ResolvedEntry, NonNullable<ResolvedEntry[Key]>>();
  shared.forEach((value, index) => {
    const entry = whole[index % whole.length];
    if (entry !== undefined) values.set(entry, value);
  });
  return side.map((entry) => (values.has(entry) ? { ...entry, [key]: values.get(entry) } : entry));
}
