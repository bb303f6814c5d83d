import type { LatentFormat } from "./model.ts";

/** Preview factors are fits of latents to the pictures they decode to: published constants of the models' users. */
export const latentFormats = {
  stableDiffusion: {
    channels: 4,
    scale: [0.18215],
    shift: [0],
    rgbFactors: [
      [0.3512, 0.2297, 0.3227],
      [0.325, 0.4974, 0.235],
      [-0.2829, 0.1762, 0.2721],
      [-0.212, -0.2616, -0.7177],
    ],
    rgbBias: [0, 0, 0],
    taesd: "taesd_decoder",
  },
  stableDiffusionXl: {
    channels: 4,
    scale: [0.13025],
    shift: [0],
    rgbFactors: [
      [0.3651, 0.4232, 0.4341],
      [-0.2533, -0.0042, 0.1068],
      [0.1076, 0.1111, -0.0362],
      [-0.3165, -0.2492, -0.2188],
    ],
    rgbBias: [0.1084, -0.0175, -0.0011],
    taesd: "taesdxl_decoder",
  },
  /** 0.5 (z - mean) / deviation. */
  playground: {
    channels: 4,
    scale: [0.5 / 8.4927, 0.5 / 5.9022, 0.5 / 6.5498, 0.5 / 5.2299],
    shift: [-1.6574, 1.886, -1.383, 2.5155],
    rgbFactors: [
      [0.392, 0.4054, 0.4549],
      [-0.2634, -0.0196, 0.0653],
      [0.0568, 0.1687, -0.0755],
      [-0.3112, -0.2359, -0.2076],
    ],
    rgbBias: [0, 0, 0],
    taesd: "taesdxl_decoder",
  },
} as const satisfies Record<string, LatentFormat>;
