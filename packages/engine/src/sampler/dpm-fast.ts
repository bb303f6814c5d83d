import { firstOrder, secondOrder, thirdOrder, timeRange } from "./dpm-solver.ts";
import { slope } from "./euler.ts";
import type { Solver } from "./solver.ts";

/**
 * As many evaluations as the schedule has steps, spent on equal steps of order 3 in ln sigma and one or two
 * shorter ones at the end: 12 are 3 + 3 + 3 + 2 + 1, 11 are 3 + 3 + 3 + 2, 10 are 3 + 3 + 3 + 1. Only the
 * schedule's ends count. Lu et al. 2022, arXiv:2206.00927, sec. 3.4.
 */
export const dpmFast: Solver = async (denoise, x, sigmas, { onStep }) => {
  if (sigmas.length < 2) return x;
  const { start, end } = timeRange(sigmas);
  const orders = ordersOf(sigmas.length - 1);
  const h = (end - start) / orders.length;
  let current = x;
  for (const [step, order] of orders.entries()) {
    const from = start + step * h;
    const s = Math.exp(-from);
    const denoised = await denoise(current, s);
    onStep?.({ step, denoised });
    const part = { denoise, x: current, from, to: from + h, slope: slope(current, denoised, s) };
    if (order === 1) current = firstOrder(part);
    else if (order === 2) current = (await secondOrder(part)).x;
    else current = await thirdOrder(part);
  }
  return current;
};

function ordersOf(evaluations: number): number[] {
  const parts = Math.floor(evaluations / 3) + 1;
  return evaluations % 3 === 0
    ? [...Array.from({ length: parts - 2 }, () => 3), 2, 1]
    : [...Array.from({ length: parts - 1 }, () => 3), evaluations % 3];
}
