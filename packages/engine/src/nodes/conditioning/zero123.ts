/** Nodes that show Stable Zero123 an object and say from where to look at it. */
import { repeatToBatch } from "../../image/batch.ts";
import { resizeImage } from "../../image/resize.ts";
import type { Vae } from "../../models/model.ts";
import type { VisionEncoder } from "../../models/vision-encoder.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { clipVision, float, image, int, vae } from "../input.ts";
import { joinAxis } from "../latent/latent-axis.ts";

const category = "conditioning/3d_models";
const module = "comfy_extras.nodes_stable3d";
const schema = "v3";
const LATENT_CHANNELS = 4;
const PIXELS_PER_LATENT = 8;
const FEATURES = 2;

const side = () => int({ default: 256, min: 16, max: 16384, step: 8 });
const angle = () => float({ default: 0.0, min: -180.0, max: 180.0, step: 0.1, round: false });
const inputs = {
  clip_vision: clipVision(),
  init_image: image(),
  vae: vae(),
  width: side(),
  height: side(),
  batch_size: int({ default: 1, min: 1, max: 4096 }),
  elevation: angle(),
  azimuth: angle(),
};
const outputs = [
  { type: "CONDITIONING", name: "positive" },
  { type: "CONDITIONING", name: "negative" },
  { type: "LATENT", name: "latent" },
] as const;

export const stableZero123Conditioning = defineNode({
  name: "StableZero123_Conditioning",
  category,
  module,
  schema,
  inputs,
  outputs,
  usesDevice: true,
  run: async (given, { signal }) => {
    const { positive, negative, samples } = await look(given, [given], signal);
    return [positive, negative, { samples }];
  },
});

/** One view a picture of the batch, each some degrees further on; all from the same noise. */
export const stableZero123ConditioningBatched = defineNode({
  name: "StableZero123_Conditioning_Batched",
  category,
  module,
  schema,
  inputs: { ...inputs, elevation_batch_increment: angle(), azimuth_batch_increment: angle() },
  outputs,
  usesDevice: true,
  run: async (given, { signal }) => {
    const views = Array.from({ length: given.batch_size }, (_, index) => ({
      elevation: given.elevation + index * given.elevation_batch_increment,
      azimuth: given.azimuth + index * given.azimuth_batch_increment,
    }));
    const { positive, negative, samples } = await look(given, views, signal);
    return [positive, negative, { samples, batchIndex: views.map(() => 0) }];
  },
});

interface View {
  /** In degrees. */
  readonly elevation: number;
  readonly azimuth: number;
}

async function look(
  {
    clip_vision,
    init_image,
    vae,
    width,
    height,
    batch_size,
  }: {
    readonly clip_vision: VisionEncoder;
    readonly init_image: Tensor;
    readonly vae: Vae;
    readonly width: number;
    readonly height: number;
    readonly batch_size: number;
  },
  views: readonly View[],
  signal: AbortSignal,
) {
  if (init_image.shape[0] !== 1) {
    throw new Error(`init_image is one picture, got a batch of ${init_image.shape[0]}`);
  }
  const { embedding } = await clip_vision.encode(init_image, "center");
  const pooled = tensor([1, 1, embedding.shape[1] ?? 0], embedding.data);
  const pixels = resizeImage(init_image, { width, height, method: "bilinear", crop: "center" });
  const concatLatent = await vae.encode(pixels, { signal });
  const cameras = tensor([views.length, 1, 4], Float32Array.from(views.flatMap(cameraNumbers)));
  const context = joinAxis([repeatToBatch(pooled, views.length), cameras], FEATURES);
  const [rows, columns] = [height, width].map((pixel) => Math.floor(pixel / PIXELS_PER_LATENT));
  return {
    positive: [{ context, concatLatent }],
    negative: [{ context: tensor(pooled.shape), concatLatent: tensor(concatLatent.shape) }],
    samples: tensor([batch_size, LATENT_CHANNELS, rows ?? 0, columns ?? 0]),
  };
}

/** How far up from the picture's own view, around, and the picture's own angle from above. */
function cameraNumbers({ elevation, azimuth }: View): number[] {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  return [radians(-elevation), Math.sin(radians(azimuth)), Math.cos(radians(azimuth)), radians(90)];
}
