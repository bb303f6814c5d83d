/** Between LATENT values, which are the VAE's own, and the values that the network works on. */
import { latentShape } from "../math/shape.ts";
import type { DiffusionModel, LatentFormat } from "../models/model.ts";
import { type Tensor, tensor } from "../tensor.ts";

/** (z - shift) scale; z: [B,C,h,w] */
export function intoModelSpace(z: Tensor, { scale, shift }: LatentFormat): Tensor {
  return mapChannels(z, (value, c) => (value - at(shift, c)) * at(scale, c));
}

/** y / scale + shift; y: [B,C,h,w] */
export function outOfModelSpace(y: Tensor, { scale, shift }: LatentFormat): Tensor {
  return mapChannels(y, (value, c) => value / at(scale, c) + at(shift, c));
}

/** An empty latent of another family gets the model's channels; any other is refused. */
export function fitChannels(z: Tensor, { latentFormat, network }: DiffusionModel): Tensor {
  const { batch, channels, height, width } = latentShape(z.shape);
  if (channels === latentFormat.channels) return z;
  if (isAllZero(z)) return tensor([batch, latentFormat.channels, height, width]);
  throw new Error(
    `${network.family} works on latents of ${latentFormat.channels} channels, got one of ${channels} ` +
      `([${z.shape.join(",")}]): was it made for another family of models?`,
  );
}

export function isAllZero({ data }: Tensor): boolean {
  return data.every((value) => value === 0);
}

function mapChannels(t: Tensor, change: (value: number, channel: number) => number): Tensor {
  const { channels, height, width } = latentShape(t.shape);
  const area = height * width;
  return tensor(
    t.shape,
    t.data.map((value, i) => change(value, Math.floor(i / area) % channels)),
  );
}

/** One for each channel, or one for all. */
function at(values: readonly number[], channel: number): number {
  return values[values.length === 1 ? 0 : channel] ?? 0;
}
