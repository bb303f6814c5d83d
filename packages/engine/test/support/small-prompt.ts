/**
 * A workflow made small enough for a test: sides of pictures an eighth of what they were, to multiples of 32; places and borders an
 * eighth, to multiples of 8; four steps at most, and the stretches of a sampling in proportion. All else stays.
 */
import type { Prompt } from "@rabbitloom/protocol";

const SCALE = 8;
const SIDE_UNIT = 32;
const PLACE_UNIT = 8;
const MAX_STEPS = 4;
const SIDES = new Set(["width", "height"]);
const PLACES = new Set(["x", "y", "left", "top", "right", "bottom"]);
const STRETCH = new Set(["start_at_step", "end_at_step"]);

export function smallPrompt(prompt: Prompt): Prompt {
  return Object.fromEntries(
    Object.entries(prompt).map(([id, node]) => [id, { ...node, inputs: small(node.inputs) }]),
  );
}

function small(inputs: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const steps = Number(inputs.steps);
  const kept = Math.min(steps, MAX_STEPS);
  const changed = Object.entries(inputs).map(([name, value]): [string, unknown] => {
    if (typeof value !== "number") return [name, value];
    if (SIDES.has(name)) return [name, Math.max(toMultiple(value / SCALE, SIDE_UNIT), SIDE_UNIT)];
    if (PLACES.has(name)) return [name, toMultiple(value / SCALE, PLACE_UNIT)];
    if (name === "steps") return [name, kept];
    if (STRETCH.has(name)) return [name, Math.round((Math.min(value, steps) / steps) * kept)];
    return [name, value];
  });
  return Object.fromEntries(changed);
}

const toMultiple = (value: number, unit: number) => Math.round(value / unit) * unit;
