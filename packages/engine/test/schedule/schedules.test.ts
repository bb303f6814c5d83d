/** Rules of schedules that no recording holds, on Stable Diffusion 1's levels. */
import { describe, expect, test } from "vitest";
import { roundHalfEven } from "../../src/image/rounding.ts";
import { alignYourStepsSigmas } from "../../src/schedule/align-your-steps.ts";
import { laplaceSigmas } from "../../src/schedule/continuous-schedules.ts";
import {
  everyNthSigma,
  scaledLinearSigmas,
  zeroTerminalSnrSigmas,
} from "../../src/schedule/discrete-sigmas.ts";
import {
  extendSigmas,
  flipSigmas,
  splitSigmas,
  splitSigmasAtDenoise,
} from "../../src/schedule/edit-sigmas.ts";
import { ksamplerSigmas, sigmasBetween } from "../../src/schedule/ksampler-sigmas.ts";
import { noiseLevels } from "../../src/schedule/noise-levels.ts";
import { partialSigmas, SCHEDULER_NAMES, scheduleSigmas } from "../../src/schedule/schedulers.ts";
import { turboSigmas } from "../../src/schedule/turbo.ts";

const sigmas1000 = scaledLinearSigmas();
const levels = noiseLevels({ kind: "discrete", sigmaData: 1, sigmas: sigmas1000 });

test("Stable Diffusion's levels go from 0.029167 to 14.614641", () => {
  expect(levels.sigmaMin).toBe(Math.fround(0.029167158529162407));
  expect(levels.sigmaMax).toBe(Math.fround(14.614641189575195));
});

test("zero terminal SNR keeps the lowest level and raises the highest to 4518.76", () => {
  const raised = zeroTerminalSnrSigmas(sigmas1000);
  expect(raised[0]).toBeCloseTo(levels.sigmaMin, 6);
  expect(raised[999]).toBeCloseTo(4518.76, 1);
  expect(raised.every((sigma, i) => i === 0 || sigma > (raised[i - 1] ?? 0))).toBe(true);
});

test.each(SCHEDULER_NAMES)("%s falls all the way to 0, also for 1000 steps", (name) => {
  for (const steps of [1, 2, 7, 1000]) {
    const sigmas = scheduleSigmas(name, levels, steps);
    expect(sigmas.at(-1)).toBe(0);
    expect(sigmas.every((sigma, i) => i === 0 || sigma < (sigmas[i - 1] ?? 0))).toBe(true);
  }
});

describe("levels of a model", () => {
  test("percents run from above the highest level to none", () => {
    expect(levels.sigmaAtPercent(0)).toBeGreaterThan(1e8);
    expect(levels.sigmaAtPercent(1)).toBe(0);
    expect(levels.sigmaAtPercent(0.5)).toBeCloseTo(levels.sigmaOf(499.5), 6);
  });

  test("a consistency model's entries stand for timesteps 19, 39, ..., 999", () => {
    const sparse = noiseLevels({
      kind: "discrete",
      sigmaData: 1,
      sigmas: everyNthSigma(sigmas1000, 20),
      spacing: 20,
    });
    expect(sparse.table.length).toBe(50);
    expect(sparse.sigmaMax).toBe(levels.sigmaMax);
    expect(sparse.timestepOf(sparse.sigmaMin)).toBe(19);
    expect(sparse.timestepOf(levels.sigmaMax)).toBe(999);
    expect(sparse.sigmaOf(39)).toBeCloseTo(sigmas1000[39] ?? 0, 5);
  });

  test("continuous levels are told as a quarter of ln sigma, or as an angle", () => {
    const range = { kind: "continuous", sigmaData: 1, sigmaMin: 0.002, sigmaMax: 80 } as const;
    const edm = noiseLevels({ ...range, timestep: "edm" });
    const v = noiseLevels({ ...range, timestep: "v" });
    expect(edm.timestepOf(Math.E)).toBeCloseTo(0.25, 12);
    expect(v.timestepOf(1)).toBeCloseTo(0.5, 12);
    for (const { sigmaOf, timestepOf, sigmaAtPercent } of [edm, v]) {
      expect(sigmaOf(timestepOf(3))).toBeCloseTo(3, 10);
      expect(sigmaAtPercent(0.5)).toBeCloseTo(Math.sqrt(0.002 * 80), 6);
    }
  });

  test("a flow's levels are times, shifted towards noise", () => {
    const flow = noiseLevels({ kind: "flow", shift: 3, multiplier: 1000 });
    expect(flow.sigmaMax).toBe(1);
    expect(flow.sigmaOf(500)).toBeCloseTo(0.75, 12);
    expect(flow.timestepOf(0.25)).toBe(250);
    expect([flow.sigmaAtPercent(0), flow.sigmaAtPercent(1)]).toEqual([1, 0]);
  });
});

describe("KSampler's levels", () => {
  const options = { scheduler: "normal", steps: 10, denoise: 1 } as const;

  test("leave out the last but one level of a longer schedule for solvers of two points", () => {
    const plain = ksamplerSigmas(levels, { ...options, sampler: "euler" });
    const cut = ksamplerSigmas(levels, { ...options, sampler: "uni_pc" });
    const longer = scheduleSigmas("normal", levels, 11);
    expect(plain.length).toBe(cut.length);
    expect([...cut]).toEqual([...longer.slice(0, 10), 0]);
  });

  test("for a part of the noise are the last ones of a longer schedule", () => {
    const half = ksamplerSigmas(levels, { ...options, sampler: "euler", denoise: 0.3 });
    expect([...half]).toEqual([...scheduleSigmas("normal", levels, 33).slice(-11)]);
    const none = partialSigmas(10, 0, (count) => scheduleSigmas("normal", levels, count));
    expect(none.length).toBe(0);
  });

  test("between two steps end at 0 unless noise is to be left", () => {
    const sigmas = Float32Array.of(8, 4, 2, 1, 0);
    const part = { start: 1, end: 3 };
    expect([...sigmasBetween(sigmas, { ...part, leavesNoise: true })]).toEqual([4, 2, 1]);
    expect([...sigmasBetween(sigmas, { ...part, leavesNoise: false })]).toEqual([4, 2, 0]);
    expect(sigmasBetween(sigmas, { start: 4, end: 9, leavesNoise: true }).length).toBe(0);
    expect([...sigmas]).toEqual([8, 4, 2, 1, 0]);
  });
});

describe("schedules of nodes", () => {
  test("SD Turbo's are those of timesteps 999, 899, ...", () => {
    const at = (timestep: number) => levels.sigmaOf(timestep);
    expect([...turboSigmas(levels, 2, 1)]).toEqual([at(999), at(899), 0]);
    expect([...turboSigmas(levels, 1, 0.55)]).toEqual([at(499), 0]);
    expect(turboSigmas(levels, 4, 0.2).length).toBe(3);
  });

  test("Align Your Steps interpolates its tables in ln sigma", () => {
    const ten = alignYourStepsSigmas("SD1", 10);
    expect(ten[4]).toBe(Math.fround(1.8841921177));
    expect(ten[10]).toBe(0);
    const twenty = alignYourStepsSigmas("SD1", 20);
    expect(twenty[8]).toBeCloseTo(ten[4] ?? 0, 5);
    expect(twenty[9]).toBeCloseTo(Math.sqrt((ten[4] ?? 0) * (ten[5] ?? 0)), 5);
  });

  test("Laplace's stay within their limits and are densest around e^mu", () => {
    const sigmas = laplaceSigmas(21, 0.03, 14.6, { mu: 0, beta: 0.5 });
    expect(sigmas.length).toBe(21);
    expect(sigmas[0]).toBe(Math.fround(14.6));
    expect(sigmas[10]).toBeCloseTo(1, 4);
    expect(sigmas[20]).toBe(Math.fround(0.03));
  });
});

describe("edits of levels", () => {
  const sigmas = Float32Array.of(8, 4, 2, 1, 0);

  test("a split shares the level between its parts", () => {
    expect(splitSigmas(sigmas, 2).map((part) => [...part])).toEqual([
      [8, 4, 2],
      [2, 1, 0],
    ]);
    const byDenoise = (denoise: number) =>
      splitSigmasAtDenoise(sigmas, denoise, roundHalfEven).map((part) => [...part]);
    expect(byDenoise(0.5)).toEqual([
      [8, 4, 2],
      [2, 1, 0],
    ]);
    expect(byDenoise(0)).toEqual([[], [0]]);
  });

  test("turned around they start just above 0", () => {
    expect([...flipSigmas(sigmas)]).toEqual([0.0001, 1, 2, 4, 8].map(Math.fround));
  });

  test("steps between two levels are divided", () => {
    const spread = { steps: 2, startSigma: 4, endSigma: 2, spacing: "linear" } as const;
    expect([...extendSigmas(sigmas, spread)]).toEqual([8, 4, 3, 2, 1.5, 1, 0]);
    const all = extendSigmas(sigmas, { ...spread, startSigma: -1, endSigma: 0, spacing: "sine" });
    expect(all.length).toBe(9);
    expect(all[1]).toBeCloseTo(8 - 4 * (1 - Math.SQRT1_2), 5);
  });
});
