/** Turning, mirroring and cutting latents. */
import { FLIP_METHODS, flipChannels, ROTATIONS, rotateChannels } from "../../image/orient.ts";
import { asChannels, channelPlanes, cropPlanes } from "../../image/plane.ts";
import { defineNode } from "../define-node.ts";
import { combo, int, latent } from "../input.ts";

export const latentRotate = defineNode({
  name: "LatentRotate",
  displayName: "Rotate Latent",
  category: "latent/transform",
  inputs: { samples: latent(), rotation: combo(ROTATIONS) },
  outputs: ["LATENT"],
  run: ({ samples, rotation }) => [
    { ...samples, samples: rotateChannels(samples.samples, rotation) },
  ],
});

export const latentFlip = defineNode({
  name: "LatentFlip",
  displayName: "Flip Latent",
  category: "latent/transform",
  inputs: { samples: latent(), flip_method: combo(FLIP_METHODS) },
  outputs: ["LATENT"],
  run: ({ samples, flip_method }) => [
    { ...samples, samples: flipChannels(samples.samples, flip_method) },
  ],
});

const PIXELS = 8;

/** Sizes are in pixels; the corner is moved so that 8 latent rows and columns stay, where there are as many. */
export const latentCrop = defineNode({
  name: "LatentCrop",
  displayName: "Crop Latent",
  category: "latent/transform",
  inputs: {
    samples: latent(),
    width: int({ default: 512, min: 64, max: 16384, step: 8 }),
    height: int({ default: 512, min: 64, max: 16384, step: 8 }),
    x: int({ default: 0, min: 0, max: 16384, step: 8 }),
    y: int({ default: 0, min: 0, max: 16384, step: 8 }),
  },
  outputs: ["LATENT"],
  run: ({ samples, ...wanted }) => {
    const planes = channelPlanes(samples.samples);
    const across = cutSpan(planes.width, wanted.x, wanted.width);
    const down = cutSpan(planes.height, wanted.y, wanted.height);
    const box = { x: across.start, width: across.length, y: down.start, height: down.length };
    return [{ ...samples, samples: asChannels(cropPlanes(planes, box), samples.samples) }];
  },
});

function cutSpan(size: number, offset: number, length: number): { start: number; length: number } {
  const start = Math.max(0, Math.min(Math.floor(offset / PIXELS), size - 8));
  return { start, length: Math.min(Math.floor(length / PIXELS), size - start) };
}
