import { repeatToBatch } from "../../image/batch.ts";
import { composite } from "../../image/composite.ts";
import { asChannels, channelPlanes, cropPlanes } from "../../image/plane.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { boolean, int, latent, mask } from "../input.ts";

const PIXELS = 8;

/** Lays one latent over another; edges inside the picture fade in over `feather` pixels. */
export const latentComposite = defineNode({
  name: "LatentComposite",
  displayName: "Latent Composite",
  category: "latent",
  inputs: {
    samples_to: latent(),
    samples_from: latent(),
    x: int({ default: 0, min: 0, max: 16384, step: 8 }),
    y: int({ default: 0, min: 0, max: 16384, step: 8 }),
    feather: int({ default: 0, min: 0, max: 16384, step: 8 }),
  },
  outputs: ["LATENT"],
  run: ({ samples_to, samples_from, ...pixels }) => {
    const destination = samples_to.samples;
    const x = Math.floor(pixels.x / PIXELS);
    const y = Math.floor(pixels.y / PIXELS);
    const to = channelPlanes(destination);
    const from = channelPlanes(samples_from.samples);
    if (x >= to.width || y >= to.height) return [samples_to];
    const box = {
      x: 0,
      y: 0,
      width: Math.min(from.width, to.width - x),
      height: Math.min(from.height, to.height - y),
    };
    const source = asChannels(cropPlanes(from, box), samples_from.samples);
    const fades = {
      left: x !== 0,
      top: y !== 0,
      right: x + from.width < to.width,
      bottom: y + from.height < to.height,
    };
    const feather = Math.floor(pixels.feather / PIXELS);
    const result = composite({
      destination,
      source,
      x,
      y,
      mask: featherMask(box, feather, fades),
      resizeSource: false,
    });
    return [{ ...samples_to, samples: result }];
  },
});

/** 1 inside, (k + 1) / feather on the k-th line from each edge that fades; returns [1,h,w] */
function featherMask(
  { width, height }: { width: number; height: number },
  feather: number,
  fades: { left: boolean; top: boolean; right: boolean; bottom: boolean },
): Tensor {
  const ramp = (distance: number, isFaded: boolean) =>
    isFaded && distance < feather ? (distance + 1) / feather : 1;
  const mask = tensor([1, height, width]);
  for (let y = 0; y < height; y++) {
    const vertical = ramp(y, fades.top) * ramp(height - 1 - y, fades.bottom);
    for (let x = 0; x < width; x++) {
      const horizontal = ramp(x, fades.left) * ramp(width - 1 - x, fades.right);
      mask.data[y * width + x] = vertical * horizontal;
    }
  }
  return mask;
}

/** As ImageCompositeMasked, in latent steps of 8 pixels. */
export const latentCompositeMasked = defineNode({
  name: "LatentCompositeMasked",
  category: "latent",
  module: "comfy_extras.nodes_mask",
  inputs: {
    destination: latent(),
    source: latent(),
    x: int({ default: 0, min: 0, max: 16384, step: 8 }),
    y: int({ default: 0, min: 0, max: 16384, step: 8 }),
    resize_source: boolean({ default: false }),
    mask: mask({ optional: true }),
  },
  outputs: ["LATENT"],
  run: ({ destination, source, x, y, resize_source, mask }) => {
    const result = composite({
      destination: destination.samples,
      source: repeatToBatch(source.samples, destination.samples.shape[0] ?? 1),
      x: Math.floor(x / PIXELS),
      y: Math.floor(y / PIXELS),
      mask,
      resizeSource: resize_source,
    });
    return [{ ...destination, samples: result }];
  },
});
