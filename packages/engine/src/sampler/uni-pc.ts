import { weightedSum } from "../math/weighted-sum.ts";
import type { Solver } from "./solver.ts";

/** B(h) of the paper: "bh1" is h, "bh2" e^h - 1. */
export interface UniPcSettings {
  readonly variant?: "bh1" | "bh2";
}

const MAX_ORDER = 3;
/** Stands in for the last 0, which has no ln. */
const LOWEST = 0.001;

/**
 * Predictor and corrector over data predictions m, in the variance-preserving scale y = alpha x with
 * alpha = 1/sqrt(1 + sigma^2), sg = sigma alpha, lambda = ln(alpha/sg). From level 0 to level t, with
 * h = lambda_t - lambda_0, z = -h, older levels k at r_k = (lambda_k - lambda_0)/h and D_k = (m_k - m_0)/r_k:
 *
 *   base = sg_t/sg_0 y - alpha_t (e^z - 1) m_0
 *   y_t  = base - alpha_t B sum_k rho_k D_k                                     predictor
 *   y_t  = base - alpha_t B (sum_k rho'_k D_k + rho'_last (m(y_t) - m_0))       corrector
 *   sum_k rho_k r_k^(i-1) = b_i,    b_i = g_i i!/B,    g_1 = (e^z - 1)/z - 1,    g_(i+1) = g_i/z - 1/(i+1)!
 *
 * Zhao et al. 2023, UniPC, arXiv:2302.04867, eq. 3, 4 and alg. 5 to 8. One model call a step: the corrector's
 * value serves the next predictor. The order rises from 1 at the start and falls to 1 at the end, where no
 * corrector runs. One step does nothing, as its order is 0.
 */
export const uniPc: Solver<UniPcSettings> = async (
  denoise,
  x,
  sigmas,
  { onStep, variant = "bh1" },
) => {
  const levels = [...sigmas].map((sigma) => levelOf(sigma === 0 ? LOWEST : sigma));
  const last = levels.length - 1;
  const order = Math.min(MAX_ORDER, sigmas.length - 2);
  const [start] = levels;
  const end = levels[last];
  if (start === undefined || end === undefined || order < 1) return x;

  const evaluate = (y: Float32Array, level: Level) =>
    denoise(weightedSum([1 / level.alpha, y]), level.sigma);

  let current = weightedSum([start.alpha, x]);
  let past: Evaluation[] = [{ level: start, model: await evaluate(current, start) }];
  for (let step = 1; step <= last; step++) {
    const stepOrder = step < order ? step : Math.min(order, last + 1 - step);
    const hasCorrector = step < last;
    const target = levels[step]!;
    const plan = planStep({ past, target, order: stepOrder, variant });
    const predicted = plan.predict(current);
    if (hasCorrector) {
      const model = await evaluate(predicted, target);
      current = plan.correct(current, model);
      past = [{ level: target, model }, ...past].slice(0, order);
    } else {
      current = predicted;
    }
    onStep?.({ step: step - 1, denoised: past[0]!.model });
  }
  return weightedSum([1 / end.alpha, current]);
};

type Term = readonly [weight: number, values: Float32Array];

interface Level {
  readonly sigma: number;
  readonly alpha: number;
  /** ln(alpha / (sigma alpha)) = -ln sigma */
  readonly lambda: number;
}

interface Evaluation {
  readonly level: Level;
  readonly model: Float32Array;
}

function levelOf(sigma: number): Level {
  return { sigma, alpha: 1 / Math.sqrt(1 + sigma ** 2), lambda: -Math.log(sigma) };
}

function planStep({
  past,
  target,
  order,
  variant,
}: {
  /** Newest first. */
  readonly past: readonly Evaluation[];
  readonly target: Level;
  readonly order: number;
  readonly variant: "bh1" | "bh2";
}) {
  const [newest, ...older] = past.slice(0, order);
  if (newest === undefined) throw new Error("a step needs the evaluation before it");
  const { level, model } = newest;
  const h = target.lambda - level.lambda;
  const z = -h;
  const scale = variant === "bh1" ? z : Math.expm1(z);
  const ratios = older.map((point) => (point.level.lambda - level.lambda) / h);
  const differences = older.map((point, k) =>
    weightedSum([1 / ratios[k]!, point.model], [-1 / ratios[k]!, model]),
  );
  const right = rightSide(order, z, scale);
  // The corrector's own point stands at r = 1.
  const corrector = order === 1 ? [0.5] : solve(vandermonde([...ratios, 1], order), right);
  const predictor =
    order === 1
      ? []
      : order === 2
        ? [0.5]
        : solve(vandermonde(ratios, order - 1), right.slice(0, order - 1));

  const keep = (target.sigma * target.alpha) / (level.sigma * level.alpha);
  const take = -target.alpha * Math.expm1(z);
  const factor = -target.alpha * scale;
  const move = (y: Float32Array, weights: readonly number[], ...extra: readonly Term[]) =>
    weightedSum(
      [keep, y],
      [take, model],
      ...differences.map((d, k): Term => [factor * weights[k]!, d]),
      ...extra,
    );

  return {
    predict: (y: Float32Array) => move(y, predictor),
    correct(y: Float32Array, reached: Float32Array) {
      const weight = factor * corrector[order - 1]!;
      return move(y, corrector, [weight, reached], [-weight, model]);
    },
  };
}

/** b_1 ... b_order */
function rightSide(order: number, z: number, scale: number): number[] {
  const right: number[] = [];
  let g = Math.expm1(z) / z - 1;
  let factorial = 1;
  for (let i = 1; i <= order; i++) {
    right.push((g * factorial) / scale);
    factorial *= i + 1;
    g = g / z - 1 / factorial;
  }
  return right;
}

/** Rows r^0, r^1, ... */
function vandermonde(ratios: readonly number[], rows: number): number[][] {
  return Array.from({ length: rows }, (_, i) => ratios.map((r) => r ** i));
}

/** Gauss-Jordan with the largest pivot, for the three unknowns at most that there are. */
function solve(matrix: number[][], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i]!]);
  const size = rows.length;
  for (let column = 0; column < size; column++) {
    let pivot = column;
    for (let row = column + 1; row < size; row++) {
      if (Math.abs(rows[row]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = row;
    }
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    const lead = rows[column]!;
    for (let row = 0; row < size; row++) {
      if (row === column) continue;
      const factor = rows[row]![column]! / lead[column]!;
      for (let k = column; k <= size; k++) rows[row]![k] = rows[row]![k]! - factor * lead[k]!;
    }
  }
  return rows.map((row, i) => row[size]! / row[i]!);
}
