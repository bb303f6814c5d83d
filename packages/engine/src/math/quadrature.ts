/** Gauss-Legendre: exact for polynomials of up to 2 `points` coefficients. Abramowitz and Stegun 25.4.29. */
export function integrate(
  f: (t: number) => number,
  from: number,
  to: number,
  points: number,
): number {
  const half = (to - from) / 2;
  const middle = (to + from) / 2;
  let sum = 0;
  for (const [node, weight] of nodesOf(points)) sum += weight * f(middle + half * node);
  return sum * half;
}

/** 1 at nodes[j], 0 at the other nodes. */
export function lagrange(nodes: readonly number[], j: number, t: number): number {
  let product = 1;
  for (let k = 0; k < nodes.length; k++) {
    if (k !== j) product *= (t - nodes[k]!) / (nodes[j]! - nodes[k]!);
  }
  return product;
}

/** Roots of Legendre's polynomial and their weights on [-1,1], by Newton's method from Chebyshev's guesses. */
function nodesOf(points: number): [node: number, weight: number][] {
  return Array.from({ length: points }, (_, i) => {
    let node = Math.cos((Math.PI * (i + 0.75)) / (points + 0.5));
    let derivative = 1;
    for (let turn = 0; turn < 20; turn++) {
      let [previous, value] = [1, node];
      for (let k = 2; k <= points; k++) {
        [previous, value] = [value, ((2 * k - 1) * node * value - (k - 1) * previous) / k];
      }
      derivative = (points * (node * value - previous)) / (node ** 2 - 1);
      node -= value / derivative;
    }
    return [node, 2 / ((1 - node ** 2) * derivative ** 2)];
  });
}
