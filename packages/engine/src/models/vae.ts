import { CodedError } from "@rabbitloom/protocol";
import type { Network, Runtime } from "../ort/runtime.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { autoencoderShape, buildDecoder, buildEncoder } from "./autoencoder.ts";
import { checkFinite } from "./check-finite.ts";
import { channelsFirst, channelsLast } from "./layout.ts";
import type { Vae, VaeOptions } from "./model.ts";
import { inTiles, type TileOptions } from "./tiles.ts";
import { entryOf, type Weights } from "./weights.ts";

/** A VAE of a file's `decoder.` and, to encode, `encoder.`. Throws MODEL_INVALID for one that is not complete. */
export function createVae(runtime: Runtime, weights: Weights): Vae {
  const { latentChannels, downscale } = autoencoderShape(weights);
  const quoted = JSON.stringify(weights.name);
  const decoder: Network = {
    key: `vae decoder ${weights.id}`,
    name: `the VAE decoder of ${quoted}`,
    build: (graph) => buildDecoder(graph, weights),
  };
  const encoder: Network = {
    key: `vae encoder ${weights.id}`,
    name: `the VAE encoder of ${quoted}`,
    build: (graph) => buildEncoder(graph, weights),
  };
  runtime.check(decoder);
  const hasEncoder = [...weights.tensors.keys()].some((key) => key.startsWith("encoder."));
  if (hasEncoder) runtime.check(encoder);

  return {
    family: "AutoencoderKL",
    latentChannels,
    downscale,
    async decode(latents, options = {}) {
      if (latents.shape[1] !== latentChannels) {
        throw new CodedError(
          "NODE_FAILED",
          `${decoder.name} wants latents of ${latentChannels} channels, got ${latents.shape[1]}`,
        );
      }
      const tiles = tilesFor(options, { unit: downscale, scale: downscale });
      const planes = await oneByOne(latents, options.signal, (latent) =>
        tiles === undefined ? decodeOne(latent) : inTiles(latent, decodeOne, tiles),
      );
      return channelsLast(planes, (y) => Math.min(Math.max((y + 1) / 2, 0), 1));
    },
    async encode(pixels, options = {}) {
      if (!hasEncoder) entryOf(weights, "encoder.conv_in.weight");
      const planes = channelsFirst(pixels, (value) => value * 2 - 1);
      const tiles = tilesFor(options, { unit: 1, scale: 1 / downscale });
      return await oneByOne(planes, options.signal, (picture) =>
        tiles === undefined ? encodeOne(picture) : inTiles(picture, encodeOne, tiles),
      );
    },
  };

  async function decodeOne(latents: Tensor): Promise<Tensor> {
    const outputs = await runtime.run(decoder, { latents });
    return checkFinite(outputs.get("pixels"), decoder.name);
  }

  async function encodeOne(pixels: Tensor): Promise<Tensor> {
    const outputs = await runtime.run(encoder, { pixels });
    return meansOf(checkFinite(outputs.get("moments"), encoder.name));
  }
}

/** Sizes of tiles, given in pixels of the picture, in the source's own units. */
function tilesFor(
  { tiles, signal, onTile }: VaeOptions,
  { unit, scale }: { unit: number; scale: number },
): TileOptions | undefined {
  if (tiles === undefined) return undefined;
  const size = Math.max(Math.floor(tiles.size / unit), 1);
  const overlap = Math.min(Math.floor(tiles.overlap / unit), size - 1);
  return { size, overlap, scale, signal, ...(onTile === undefined ? {} : { onTile }) };
}

/** A batch entry by entry: memory then does not grow with the batch. */
async function oneByOne(
  batch: Tensor,
  signal: AbortSignal | undefined,
  work: (entry: Tensor) => Promise<Tensor>,
): Promise<Tensor> {
  const [count = 0, ...shape] = batch.shape;
  const size = batch.data.length / count;
  const results: Tensor[] = [];
  for (let index = 0; index < count; index++) {
    signal?.throwIfAborted();
    const data = batch.data.subarray(index * size, (index + 1) * size);
    results.push(await work(tensor([1, ...shape], data)));
  }
  return stack(results);
}

function stack(entries: readonly Tensor[]): Tensor {
  const [, ...shape] = entries[0]?.shape ?? [];
  const stacked = tensor([entries.length, ...shape]);
  let offset = 0;
  for (const { data } of entries) {
    stacked.data.set(data, offset);
    offset += data.length;
  }
  return stacked;
}

/** The first half of the moments' channels; the posterior's variance is not used. moments: [1,2C,h,w]; returns [1,C,h,w] */
function meansOf(moments: Tensor): Tensor {
  const [, channels = 0, height = 0, width = 0] = moments.shape;
  const half = channels / 2;
  return tensor([1, half, height, width], moments.data.slice(0, half * height * width));
}
