/**
 * Against ComfyUI 0.3.64's schedulers on Stable Diffusion 1's noise levels (fixtures/samplers.json).
 * Tolerance: 1e-6 of each level. Its kl_optimal divides 0 by 0 for one step; here that step starts at the top.
 */
import { expect, test } from "vitest";
import { scaledLinearSigmas } from "../../src/schedule/discrete-sigmas.ts";
import { noiseLevels } from "../../src/schedule/noise-levels.ts";
import { SCHEDULER_NAMES, scheduleSigmas } from "../../src/schedule/schedulers.ts";
import { goldenSamplers } from "../support/golden-samplers.ts";

const levels = noiseLevels({ kind: "discrete", sigmaData: 1, sigmas: scaledLinearSigmas() });
const recorded = Object.entries(goldenSamplers.schedules_values).filter(
  ([key]) => key !== "kl_optimal_1",
);

test.each(recorded)("%s is ComfyUI's schedule", (key, expected) => {
  const [, scheduler, steps] = /^(.*)_(\d+)$/.exec(key) ?? [];
  const name = SCHEDULER_NAMES.find((candidate) => candidate === scheduler);
  if (name === undefined) throw new Error(`no scheduler ${scheduler}`);
  const sigmas = scheduleSigmas(name, levels, Number(steps));
  expect(sigmas.length).toBe(expected.length);
  expected.forEach((sigma, i) => {
    expect(Math.abs((sigmas[i] ?? Number.NaN) - sigma)).toBeLessThanOrEqual(1e-6 * sigma);
  });
});

test("every scheduler is recorded", () => {
  for (const name of SCHEDULER_NAMES) {
    expect(recorded.some(([key]) => key.startsWith(`${name}_`))).toBe(true);
  }
});

test("kl_optimal with one step goes from the highest level to 0", () => {
  const [start, end] = scheduleSigmas("kl_optimal", levels, 1);
  expect(start).toBeCloseTo(levels.sigmaMax, 5);
  expect(end).toBe(0);
});

test("the network is told the timestep of the nearest level", () => {
  const sigmas = scheduleSigmas("karras", levels, 20);
  expect([...sigmas.subarray(0, 20)].map(levels.timestepOf)).toEqual(
    goldenSamplers.timesteps_values,
  );
});
