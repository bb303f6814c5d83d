/** Zeros in the shape that each family of models starts from. */
import { tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { float, int } from "../input.ts";

const batchSize = int({ default: 1, min: 1, max: 4096 });

function zeros(...shape: readonly number[]): { samples: ReturnType<typeof tensor> } {
  return { samples: tensor(shape.map(Math.floor)) };
}

/** Stable Diffusion 1, 2 and XL: 4 channels at an eighth of the size. */
export const emptyLatentImage = defineNode({
  name: "EmptyLatentImage",
  displayName: "Empty Latent Image",
  category: "latent",
  inputs: {
    width: int({ default: 512, min: 16, max: 16384, step: 8 }),
    height: int({ default: 512, min: 16, max: 16384, step: 8 }),
    batch_size: batchSize,
  },
  outputs: ["LATENT"],
  run: ({ width, height, batch_size }) => [zeros(batch_size, 4, height / 8, width / 8)],
});

/** Stable Diffusion 3, FLUX and others of 16 channels. */
export const emptySd3LatentImage = defineNode({
  name: "EmptySD3LatentImage",
  category: "latent/sd3",
  module: "comfy_extras.nodes_sd3",
  schema: "v3",
  inputs: {
    width: int({ default: 1024, min: 16, max: 16384, step: 16 }),
    height: int({ default: 1024, min: 16, max: 16384, step: 16 }),
    batch_size: batchSize,
  },
  outputs: ["LATENT"],
  run: ({ width, height, batch_size }) => [zeros(batch_size, 16, height / 8, width / 8)],
});

export const emptyHunyuanImageLatent = defineNode({
  name: "EmptyHunyuanImageLatent",
  category: "latent",
  module: "comfy_extras.nodes_hunyuan",
  inputs: {
    width: int({ default: 2048, min: 64, max: 16384, step: 32 }),
    height: int({ default: 2048, min: 64, max: 16384, step: 32 }),
    batch_size: batchSize,
  },
  outputs: ["LATENT"],
  run: ({ width, height, batch_size }) => [zeros(batch_size, 64, height / 32, width / 32)],
});

/** Pixels themselves. */
export const emptyChromaRadianceLatentImage = defineNode({
  name: "EmptyChromaRadianceLatentImage",
  category: "latent/chroma_radiance",
  module: "comfy_extras.nodes_chroma_radiance",
  schema: "v3",
  inputs: {
    width: int({ default: 1024, min: 16, max: 16384, step: 16 }),
    height: int({ default: 1024, min: 16, max: 16384, step: 16 }),
    batch_size: batchSize,
  },
  outputs: ["LATENT"],
  run: ({ width, height, batch_size }) => [zeros(batch_size, 3, height, width)],
});

export const stableCascadeEmptyLatentImage = defineNode({
  name: "StableCascade_EmptyLatentImage",
  category: "latent/stable_cascade",
  module: "comfy_extras.nodes_stable_cascade",
  schema: "v3",
  inputs: {
    width: int({ default: 1024, min: 256, max: 16384, step: 8 }),
    height: int({ default: 1024, min: 256, max: 16384, step: 8 }),
    compression: int({ default: 42, min: 4, max: 128, step: 1 }),
    batch_size: batchSize,
  },
  outputs: [
    { type: "LATENT", name: "stage_c" },
    { type: "LATENT", name: "stage_b" },
  ],
  run: ({ width, height, compression, batch_size }) => [
    zeros(batch_size, 16, height / compression, width / compression),
    zeros(batch_size, 4, height / 4, width / 4),
  ],
});

export const emptyLatentHunyuan3d = defineNode({
  name: "EmptyLatentHunyuan3Dv2",
  category: "latent/3d",
  module: "comfy_extras.nodes_hunyuan3d",
  inputs: { resolution: int({ default: 3072, min: 1, max: 8192 }), batch_size: batchSize },
  outputs: ["LATENT"],
  run: ({ resolution, batch_size }) => [zeros(batch_size, 64, resolution)],
});

const SAMPLE_RATE_HZ = 44_100;

/** An even number of frames of 2048 samples. */
export const emptyLatentAudio = defineNode({
  name: "EmptyLatentAudio",
  displayName: "Empty Latent Audio",
  category: "latent/audio",
  module: "comfy_extras.nodes_audio",
  inputs: {
    seconds: float({ default: 47.6, min: 1.0, max: 1000.0, step: 0.1 }),
    batch_size: batchSize,
  },
  outputs: ["LATENT"],
  run: ({ seconds, batch_size }) => [
    zeros(batch_size, 64, Math.round((seconds * SAMPLE_RATE_HZ) / 2048 / 2) * 2),
  ],
});

export const emptyAceStepLatentAudio = defineNode({
  name: "EmptyAceStepLatentAudio",
  category: "latent/audio",
  module: "comfy_extras.nodes_ace",
  schema: "v3",
  inputs: {
    seconds: float({ default: 120.0, min: 1.0, max: 1000.0, step: 0.1 }),
    batch_size: batchSize,
  },
  outputs: ["LATENT"],
  run: ({ seconds, batch_size }) => [
    zeros(batch_size, 8, 16, Math.trunc((seconds * SAMPLE_RATE_HZ) / 512 / 8)),
  ],
});
