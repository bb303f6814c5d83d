/** A latent [B,C,...] seen as one vector over the channels at each position. */
import { type Tensor, tensor } from "../../tensor.ts";

/** Euclidean lengths: [B,...] */
export function channelNorms(t: Tensor): Tensor {
  const { batch, channels, area } = layout(t);
  const norms = tensor([batch, ...t.shape.slice(2)]);
  for (let b = 0; b < batch; b++) {
    for (let p = 0; p < area; p++) {
      let sum = 0;
      for (let c = 0; c < channels; c++) sum += t.data[(b * channels + c) * area + p]! ** 2;
      norms.data[b * area + p] = Math.sqrt(sum);
    }
  }
  return norms;
}

/** Each value with the number of its position. t: [B,C,...], scalars: [B,...] */
export function mapVectors(
  t: Tensor,
  scalars: Tensor,
  change: (value: number, scalar: number) => number,
): Tensor {
  const { batch, channels, area } = layout(t);
  const result = tensor(t.shape);
  for (let plane = 0; plane < batch * channels; plane++) {
    const b = Math.floor(plane / channels);
    for (let p = 0; p < area; p++) {
      const at = plane * area + p;
      result.data[at] = change(t.data[at]!, scalars.data[b * area + p]!);
    }
  }
  return result;
}

function layout(t: Tensor): { batch: number; channels: number; area: number } {
  const [batch = 1, channels = 1] = t.shape;
  return { batch, channels, area: t.data.length / (batch * channels) };
}
