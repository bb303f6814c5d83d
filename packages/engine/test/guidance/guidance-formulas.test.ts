/** Formulas of guidance against PyTorch, within 1e-5 of the largest value; ../fixtures/models/make-guidance.py made the numbers. */
import { expect, test } from "vitest";
import {
  cfgNorm,
  cfgZeroStar,
  epsilonScaling,
  linearCfg,
  mahiro,
  triangleCfg,
} from "../../src/guidance/guidance-formulas.ts";
import { adaptiveProjection, tangentialDamping } from "../../src/guidance/projected-guidance.ts";
import { weightedSum } from "../../src/math/weighted-sum.ts";
import { tensor } from "../../src/tensor.ts";
import { drawn, readReference, relativeError } from "../support/random-checkpoint.ts";
import { toyModel } from "../support/toy-model.ts";

const { expected } = readReference("guidance.json");
const SHAPE = [3, 4, 3, 5];
const CFG = 5;
const [x, positive, negative, last] = ["x", "positive", "negative", "last"].map(
  (name) => drawn(name, ...SHAPE).data,
);
if (x === undefined || positive === undefined || negative === undefined || last === undefined) {
  throw new Error("nothing was drawn");
}
const stage = {
  model: toyModel(),
  shape: { batch: 3, channels: 4, height: 3, width: 5 },
  sigma: 2,
  cfg: CFG,
  x,
  positive,
  negative,
  denoised: weightedSum([1 - CFG, negative], [CFG, positive]),
};

const projection = () => adaptiveProjection({ eta: 0.5, normThreshold: 2, momentum: 0.5 });

/** The step before had another positive prediction. */
function projectedAgain(sigmaBefore: number): Float32Array {
  const project = projection();
  project({ ...stage, sigma: sigmaBefore, positive: last ?? stage.positive });
  return project(stage).positive;
}

test.each<[string, () => Float32Array]>([
  ["zero-star", () => cfgZeroStar(stage)],
  ["norm", () => cfgNorm(stage, 0.8)],
  ["epsilon", () => epsilonScaling(stage, 1.1)],
  ["mahiro", () => mahiro(stage)],
  ["projected", () => projection()(stage).positive],
  ["projected-again", () => projectedAgain(3)],
  ["tangential", () => tangentialDamping(stage).negative],
  ["linear", () => linearCfg(stage, 1.5)],
  ["triangle", () => triangleCfg(stage, 1.5)],
])("the formula '%s' is PyTorch's", (name, formula) => {
  const actual = tensor(SHAPE, formula());
  expect(relativeError(actual, expected("formula", name))).toBeLessThan(1e-5);
});

test("what a projection remembers ends where a new sampling starts", () => {
  const actual = tensor(SHAPE, projectedAgain(1));
  expect(relativeError(actual, expected("formula", "projected"))).toBeLessThan(1e-5);
});
