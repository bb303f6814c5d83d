/** Nodes that say where and when a CONDITIONING counts. */
import { asMaskBatch } from "../../image/mask-shape.ts";
import { defineNode } from "../define-node.ts";
import { combo, conditioning, float, int, mask } from "../input.ts";

const category = "conditioning";
const PIXELS_PER_LATENT = 8;
const outputs = ["CONDITIONING"] as const;

const strengthInput = () => float({ default: 1.0, min: 0.0, max: 10.0, step: 0.01 });
const side = () => int({ default: 64, min: 64, max: 16384, step: 8 });
const offset = () => int({ default: 0, min: 0, max: 16384, step: 8 });
const part = (value: number) => float({ default: value, min: 0, max: 1.0, step: 0.01 });

/** A rectangle in pixels of the picture. */
export const conditioningSetArea = defineNode({
  name: "ConditioningSetArea",
  displayName: "Conditioning (Set Area)",
  category,
  inputs: {
    conditioning: conditioning(),
    width: side(),
    height: side(),
    x: offset(),
    y: offset(),
    strength: strengthInput(),
  },
  outputs,
  run: ({ conditioning, width, height, x, y, strength }) => {
    const inLatent = (pixels: number): number => Math.floor(pixels / PIXELS_PER_LATENT);
    const area = {
      unit: "latent",
      width: inLatent(width),
      height: inLatent(height),
      x: inLatent(x),
      y: inLatent(y),
    } as const;
    return [conditioning.map((entry) => ({ ...entry, area, strength, isAreaOfMask: false }))];
  },
});

/** A rectangle in fractions of the picture's sides. */
export const conditioningSetAreaPercentage = defineNode({
  name: "ConditioningSetAreaPercentage",
  displayName: "Conditioning (Set Area with Percentage)",
  category,
  inputs: {
    conditioning: conditioning(),
    width: part(1.0),
    height: part(1.0),
    x: part(0),
    y: part(0),
    strength: strengthInput(),
  },
  outputs,
  run: ({ conditioning, strength, ...rectangle }) => {
    const { width, height, x, y } = rectangle;
    const area = { unit: "fraction", width, height, x, y } as const;
    return [conditioning.map((entry) => ({ ...entry, area, strength, isAreaOfMask: false }))];
  },
});

export const conditioningSetAreaStrength = defineNode({
  name: "ConditioningSetAreaStrength",
  category,
  inputs: { conditioning: conditioning(), strength: strengthInput() },
  outputs,
  run: ({ conditioning, strength }) => [conditioning.map((entry) => ({ ...entry, strength }))],
});

/** Weights by pixel; with "mask bounds", only the mask's bounding box is predicted. */
export const conditioningSetMask = defineNode({
  name: "ConditioningSetMask",
  displayName: "Conditioning (Set Mask)",
  category,
  inputs: {
    conditioning: conditioning(),
    mask: mask(),
    strength: strengthInput(),
    set_cond_area: combo(["default", "mask bounds"]),
  },
  outputs,
  run: ({ conditioning, mask, strength, set_cond_area }) => [
    conditioning.map((entry) => ({
      ...entry,
      mask: asMaskBatch(mask),
      maskStrength: strength,
      isAreaOfMask: set_cond_area === "mask bounds",
    })),
  ],
});

/** From one part of the sampling to another: 0 is its start, 1 its end. */
export const conditioningSetTimestepRange = defineNode({
  name: "ConditioningSetTimestepRange",
  category: "advanced/conditioning",
  inputs: {
    conditioning: conditioning(),
    start: float({ default: 0.0, min: 0.0, max: 1.0, step: 0.001 }),
    end: float({ default: 1.0, min: 0.0, max: 1.0, step: 0.001 }),
  },
  outputs,
  run: ({ conditioning, start, end }) => [
    conditioning.map((entry) => ({ ...entry, startPercent: start, endPercent: end })),
  ],
});
