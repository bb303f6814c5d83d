import type { Network, Runtime } from "../ort/runtime.ts";
import type { Tensor } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { channelsFirst, channelsLast } from "./layout.ts";
import type { PreviewDecoder, Vae } from "./model.ts";
import { readTensor } from "./read-tensor.ts";
import { buildTaesdDecoder, buildTaesdEncoder } from "./taesd.ts";
import { entryOf, invalidModel, type Weights, weightsUnder } from "./weights.ts";

const DECODER = "taesd_decoder.";
const ENCODER = "taesd_encoder.";

export function isTaesd(file: Weights): boolean {
  return file.tensors.has(`${DECODER}1.weight`);
}

/**
 * A TAESD file as a VAE. It works on the UNet's scaled latents, and a VAE's are not scaled: the file says by how much in
 * `vae_scale` and `vae_shift`, 1 and 0 where it does not.
 */
export async function createTaesdVae(runtime: Runtime, file: Weights): Promise<Vae> {
  const [scale, shift] = [await scalar(file, "vae_scale", 1), await scalar(file, "vae_shift", 0)];
  const quoted = JSON.stringify(file.name);
  const decoder: Network = {
    key: `taesd decoder ${file.id}`,
    name: `the TAESD decoder of ${quoted}`,
    build: (graph) => buildTaesdDecoder(graph, weightsUnder(file, DECODER)),
  };
  const encoder: Network = {
    key: `taesd encoder ${file.id}`,
    name: `the TAESD encoder of ${quoted}`,
    build: (graph) => buildTaesdEncoder(graph, weightsUnder(file, ENCODER)),
  };
  runtime.check(decoder);
  const [, latentChannels = 0] = entryOf(file, `${DECODER}1.weight`).shape;

  return {
    family: "TAESD",
    latentChannels,
    downscale: downscaleOf(file),
    async decode(latents) {
      const scaled = changed(latents, (z) => (z - shift) * scale);
      const outputs = await runtime.run(decoder, { latents: scaled });
      const pixels = checkFinite(outputs.get("pixels"), decoder.name);
      return channelsLast(pixels, (value) => Math.min(Math.max(value, 0), 1));
    },
    async encode(pixels) {
      entryOf(file, `${ENCODER}0.weight`);
      const outputs = await runtime.run(encoder, { pixels: channelsFirst(pixels, (v) => v) });
      const latents = checkFinite(outputs.get("latents"), encoder.name);
      return changed(latents, (z) => z / scale + shift);
    },
  };
}

/** A TAESD's decoder alone: of a file with both halves, or one with nothing else, as those in vae_approx are. */
export function createTaesdPreview(
  runtime: Runtime,
  { file, channels }: { readonly file: Weights; readonly channels: number },
): PreviewDecoder {
  const decoder = weightsUnder(file, isTaesd(file) ? DECODER : "");
  const network: Network = {
    key: `taesd decoder ${file.id}`,
    name: `the TAESD decoder of ${JSON.stringify(file.name)}`,
    build: (graph) => buildTaesdDecoder(graph, decoder),
  };
  const [, latentChannels = 0] = entryOf(decoder, "1.weight").shape;
  if (latentChannels !== channels) {
    throw invalidModel(
      file.name,
      `its TAESD decodes latents of ${latentChannels} channels, the model has ${channels}`,
    );
  }
  runtime.check(network);
  return async (latents) => {
    const outputs = await runtime.run(network, { latents });
    return checkFinite(outputs.get("pixels"), network.name);
  };
}

/** Every enlargement is followed by a convolution without a bias. */
function downscaleOf({ tensors }: Weights): number {
  let downscale = 1;
  for (const key of tensors.keys()) {
    const index = /^taesd_decoder\.(\d+)\.weight$/.exec(key)?.[1];
    if (index !== undefined && !tensors.has(`${DECODER}${index}.bias`)) downscale *= 2;
  }
  return downscale;
}

async function scalar(file: Weights, key: string, otherwise: number): Promise<number> {
  const entry = file.tensors.get(key);
  return entry === undefined ? otherwise : ((await readTensor(entry)).data[0] ?? otherwise);
}

function changed({ shape, data }: Tensor, change: (value: number) => number): Tensor {
  return { shape, data: data.map(change) };
}
