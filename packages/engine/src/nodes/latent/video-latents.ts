/** Latents with a time axis: [B,C,t,h,w], t = (length - 1) / step + 1. */
import { tensor } from "../../tensor.ts";
import { defineNode, type NodeClass } from "../define-node.ts";
import { int, latent } from "../input.ts";
import { cutAxis } from "./latent-axis.ts";

type VideoFamily = {
  readonly name: string;
  readonly category: string;
  readonly module: string;
  readonly schema: "v1" | "v3";
  readonly channels: number;
  /** Pixels a side of one latent value. */
  readonly pixels: number;
  /** Frames of one latent value. */
  readonly frames: number;
  readonly sideStep: number;
  readonly sideMin: number;
  readonly width: number;
  readonly height: number;
  readonly length: number;
  readonly lengthMin: number;
};

function emptyVideo(family: VideoFamily): NodeClass {
  const { name, category, module, schema, channels, pixels, frames } = family;
  const side = (size: number) =>
    int({ default: size, min: family.sideMin, max: 16384, step: family.sideStep });
  return defineNode({
    name,
    category,
    module,
    schema,
    inputs: {
      width: side(family.width),
      height: side(family.height),
      length: int({ default: family.length, min: family.lengthMin, max: 16384, step: frames }),
      batch_size: int({ default: 1, min: 1, max: 4096 }),
    },
    outputs: ["LATENT"],
    run: ({ width, height, length, batch_size }) => {
      const time = Math.floor((length - 1) / frames) + 1;
      const size = [Math.floor(height / pixels), Math.floor(width / pixels)];
      return [{ samples: tensor([batch_size, channels, time, ...size]) }];
    },
  });
}

const emptyVideos = [
  {
    name: "EmptyHunyuanLatentVideo",
    category: "latent/video",
    module: "comfy_extras.nodes_hunyuan",
    schema: "v1",
    channels: 16,
    pixels: 8,
    frames: 4,
    sideStep: 16,
    sideMin: 16,
    width: 848,
    height: 480,
    length: 25,
    lengthMin: 1,
  },
  {
    name: "EmptyMochiLatentVideo",
    category: "latent/video",
    module: "comfy_extras.nodes_mochi",
    schema: "v3",
    channels: 12,
    pixels: 8,
    frames: 6,
    sideStep: 16,
    sideMin: 16,
    width: 848,
    height: 480,
    length: 25,
    lengthMin: 7,
  },
  {
    name: "EmptyLTXVLatentVideo",
    category: "latent/video/ltxv",
    module: "comfy_extras.nodes_lt",
    schema: "v3",
    channels: 128,
    pixels: 32,
    frames: 8,
    sideStep: 32,
    sideMin: 64,
    width: 768,
    height: 512,
    length: 97,
    lengthMin: 1,
  },
  {
    name: "EmptyCosmosLatentVideo",
    category: "latent/video",
    module: "comfy_extras.nodes_cosmos",
    schema: "v3",
    channels: 16,
    pixels: 8,
    frames: 8,
    sideStep: 16,
    sideMin: 16,
    width: 1280,
    height: 704,
    length: 121,
    lengthMin: 1,
  },
] as const satisfies readonly VideoFamily[];

/** Drops latent frames from the beginning. */
const trimVideoLatent = defineNode({
  name: "TrimVideoLatent",
  category: "latent/video",
  module: "comfy_extras.nodes_wan",
  schema: "v3",
  inputs: { samples: latent(), trim_amount: int({ default: 0, min: 0, max: 99999 }) },
  outputs: ["LATENT"],
  run: ({ samples, trim_amount }) => {
    const frames = samples.samples.shape[2] ?? 1;
    if (trim_amount >= frames) {
      throw new Error(`trim_amount ${trim_amount} leaves nothing of ${frames} latent frames`);
    }
    const cut = { axis: 2, start: trim_amount, length: frames - trim_amount };
    return [{ ...samples, samples: cutAxis(samples.samples, cut) }];
  },
});

export const videoLatentNodes: readonly NodeClass[] = [
  ...emptyVideos.map(emptyVideo),
  trimVideoLatent,
];
