import { CodedError, isCodedError } from "@rabbitloom/protocol";
import type { FeedShapes, Network, Runtime } from "../ort/runtime.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { autoencoderShape, buildDecoder, buildEncoder } from "./autoencoder.ts";
import { checkFinite } from "./check-finite.ts";
import { channelsFirst, channelsLast } from "./layout.ts";
import type { Vae, VaeOptions } from "./model.ts";
import { inTiles, type TileOptions, tileCount } from "./tiles.ts";
import { entryOf, type Weights } from "./weights.ts";

/** A VAE of a file's `decoder.` and, to encode, `encoder.`. Throws MODEL_INVALID for one that is not complete. */
export function createVae(runtime: Runtime, weights: Weights): Vae {
  const { latentChannels, downscale } = autoencoderShape(weights);
  const quoted = JSON.stringify(weights.name);
  const decoder: Network = {
    key: `vae decoder ${weights.id}`,
    name: `the VAE decoder of ${quoted}`,
    workingBytes: ({ latents }) => pixelCount(latents) * downscale ** 2 * WORKING_BYTES_A_PIXEL,
    build: (graph) => buildDecoder(graph, weights),
  };
  const encoder: Network = {
    key: `vae encoder ${weights.id}`,
    name: `the VAE encoder of ${quoted}`,
    workingBytes: ({ pixels }) => pixelCount(pixels) * WORKING_BYTES_A_PIXEL,
    build: (graph) => buildEncoder(graph, weights),
  };
  runtime.check(decoder);
  const hasEncoder = [...weights.tensors.keys()].some((key) => key.startsWith("encoder."));
  if (hasEncoder) runtime.check(encoder);

  return {
    family: "AutoencoderKL",
    weights,
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
        tiles === undefined ? decodeAsFits(latent, options) : inAllShapes(latent, decodeOne, tiles),
      );
      return channelsLast(planes, (y) => Math.min(Math.max((y + 1) / 2, 0), 1));
    },
    async encode(pixels, options = {}) {
      if (!hasEncoder) entryOf(weights, "encoder.conv_in.weight");
      const planes = channelsFirst(pixels, (value) => value * 2 - 1);
      const tiles = tilesFor(options, { unit: 1, scale: 1 / downscale });
      return await oneByOne(planes, options.signal, (picture) =>
        tiles === undefined ? encodeOne(picture) : inAllShapes(picture, encodeOne, tiles),
      );
    },
  };

  /** A picture that is too large for the memory is decoded in tiles, as ComfyUI does it. */
  async function decodeAsFits(latent: Tensor, { signal }: VaeOptions): Promise<Tensor> {
    try {
      return await decodeOne(latent);
    } catch (cause) {
      const tiles = tilesFor(
        { tiles: FALLBACK_TILES, signal },
        { unit: downscale, scale: downscale },
      );
      const isMemory = isCodedError(cause) && cause.code === "DEVICE_OUT_OF_MEMORY";
      if (!isMemory || tiles === undefined || pixelCount(latent) <= tiles.size ** 2) throw cause;
      return await inAllShapes(latent, decodeOne, tiles);
    }
  }

  async function decodeOne(latents: Tensor): Promise<Tensor> {
    const outputs = await runtime.run(decoder, { latents });
    return checkFinite(outputs.get("pixels"), decoder.name);
  }

  async function encodeOne(pixels: Tensor): Promise<Tensor> {
    const outputs = await runtime.run(encoder, { pixels });
    return meansOf(checkFinite(outputs.get("moments"), encoder.name));
  }
}

/**
 * What a published VAE (128 channels at the picture's size) holds at once: a 512 px picture took 2.5 GB beside the
 * weights. Smaller ones take less.
 */
const WORKING_BYTES_A_PIXEL = 9500;
const FALLBACK_TILES = { size: 512, overlap: 64 };

function pixelCount(x: FeedShapes[string] | undefined): number {
  const [, , height = 0, width = 0] = x?.shape ?? [];
  return height * width;
}

/** Sizes of tiles, given in pixels of the picture, in the source's own units. */
function tilesFor(
  { tiles, signal, onTile }: VaeOptions,
  { unit, scale }: { unit: number; scale: number },
): (TileOptions & { readonly size: number }) | undefined {
  if (tiles === undefined) return undefined;
  const size = Math.max(Math.floor(tiles.size / unit), 1);
  const overlap = Math.min(Math.floor(tiles.overlap / unit), size - 1);
  return { size, overlap, scale, signal, ...(onTile === undefined ? {} : { onTile }) };
}

/** ComfyUI's way against seams: once in high, once in wide and once in square tiles, and the mean of all. */
async function inAllShapes(
  x: Tensor,
  work: (tile: Tensor) => Promise<Tensor>,
  { size, onTile, ...options }: TileOptions & { readonly size: number },
): Promise<Tensor> {
  const [short, long] = [Math.max(Math.floor(size / 2), 1), size * 2];
  const shapes = [
    { height: long, width: short },
    { height: short, width: long },
    { height: size, width: size },
  ];
  const [, , height = 0, width = 0] = x.shape;
  const total = shapes.reduce(
    (sum, shape) => sum + tileCount({ height, width }, shape, options),
    0,
  );
  let done = 0;
  const passes: Tensor[] = [];
  for (const shape of shapes) {
    const told = () => {
      done += 1;
      onTile?.(done, total);
    };
    passes.push(await inTiles(x, work, { ...options, size: shape, onTile: told }));
  }
  const [first, ...others] = passes;
  if (first === undefined) throw new Error("there is no pass");
  const mean = first.data.map(
    (value, i) => others.reduce((sum, pass) => sum + (pass.data[i] ?? 0), value) / passes.length,
  );
  return tensor(first.shape, mean);
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
