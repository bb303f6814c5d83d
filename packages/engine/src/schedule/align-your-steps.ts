/** Levels that were optimised for 10 steps of each family. Sabour et al. 2024, arXiv:2404.14507, app. A. */
const TABLES = {
  SD1: [
    14.6146412293, 6.4745760956, 3.8636745985, 2.694615152, 1.8841921177, 1.3943805092,
    0.9642583904, 0.6523686016, 0.3977456272, 0.1515232662, 0.0291671582,
  ],
  SDXL: [
    14.6146412293, 6.3184485287, 3.7681790315, 2.1811480769, 1.3405244945, 0.8620721141,
    0.5550693289, 0.3798540708, 0.2332364134, 0.1114188177, 0.0291671582,
  ],
  SVD: [700, 54.5, 15.886, 7.977, 4.248, 1.789, 0.981, 0.403, 0.173, 0.034, 0.002],
} as const;

export type StepsModel = keyof typeof TABLES;

/** [steps + 1], the last one 0; other numbers of steps by interpolation in ln sigma. */
export function alignYourStepsSigmas(model: StepsModel, steps: number): Float32Array {
  const table = TABLES[model];
  const last = table.length - 1;
  const sigmas = new Float32Array(steps + 1);
  for (let i = 0; i < steps; i++) {
    const position = (i / steps) * last;
    const low = Math.floor(position);
    const weight = position - low;
    const from = Math.log(table[low]!);
    const to = Math.log(table[Math.min(low + 1, last)]!);
    sigmas[i] = Math.exp(from + weight * (to - from));
  }
  return sigmas;
}
