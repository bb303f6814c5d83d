import type { Network, Runtime } from "../ort/runtime.ts";
import type { Tensor } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { buildCompactUpscaler, compactShape, isCompactUpscaler } from "./compact-upscaler.ts";
import { buildEsrgan, esrganShape, withEsrganNames } from "./esrgan.ts";
import { openWeights } from "./open-weights.ts";
import { cropPlanes, padToMultiple, unshuffled } from "./pixel-unshuffle.ts";
import { unknownFile } from "./unknown-file.ts";
import { invalidModel, type Weights, weightsUnder } from "./weights.ts";
import { compactBytesAPlace, esrganBytesAPlace, upscalerWorkingBytes } from "./working-memory.ts";

/** An UPSCALE_MODEL: a network that enlarges pictures. */
export interface UpscaleModel {
  readonly family: string;
  /** Side of the result over that of the picture. */
  readonly scale: number;
  /** [1,3,h,w], 0..1; returns [1,3,scale h,scale w], not clamped. */
  enlarge(picture: Tensor): Promise<Tensor>;
}

/** What training programs wrap a network's tensors in; the averaged ones come first. */
const WRAPPINGS = ["", "params_ema.", "params.", "model_state_dict.", "module."];
const COLOURS = 3;

/** ESRGAN and its relatives, in all the forms they are published in. Throws MODEL_INVALID for files of other networks. */
export async function loadUpscaleModel(runtime: Runtime, path: string): Promise<UpscaleModel> {
  const file = await openWeights(path);
  for (const wrapping of WRAPPINGS) {
    const inside = weightsUnder(file, wrapping);
    const esrgan = withEsrganNames(inside);
    if (esrgan !== undefined) return createEsrgan(runtime, esrgan);
    if (isCompactUpscaler(inside)) return createCompact(runtime, inside);
  }
  throw unknownFile(file, "an upscale model of the ESRGAN family");
}

function createEsrgan(runtime: Runtime, weights: Weights): UpscaleModel {
  const { inputs, outputs, enlargements } = esrganShape(weights);
  // Four or sixteen neighbouring pixels as channels: the picture goes in smaller than it is.
  const factor = Math.sqrt(inputs / outputs);
  if (![1, 2, 4].includes(factor)) throw notForPictures(weights, { inputs, outputs });
  return createModel(runtime, {
    weights,
    family: "ESRGAN",
    colours: outputs,
    factor,
    scale: 2 ** enlargements / factor,
    bytesAPlace: esrganBytesAPlace(widthOf(weights, "conv_first"), 2 ** enlargements),
    build: (graph) => buildEsrgan(graph, weights),
  });
}

function createCompact(runtime: Runtime, weights: Weights): UpscaleModel {
  const { channels, scale } = compactShape(weights);
  return createModel(runtime, {
    weights,
    family: "Real-ESRGAN compact",
    colours: channels,
    factor: 1,
    scale,
    bytesAPlace: compactBytesAPlace(widthOf(weights, "body.0")),
    build: (graph) => buildCompactUpscaler(graph, weights),
  });
}

/** The channels that a convolution makes. */
function widthOf({ tensors }: Weights, convolution: string): number {
  return tensors.get(`${convolution}.weight`)?.shape[0] ?? 0;
}

interface UpscalerParts {
  readonly weights: Weights;
  readonly family: string;
  readonly colours: number;
  /** Pixels along a side that go in as channels. */
  readonly factor: number;
  readonly scale: number;
  /** What it works in, for each place that goes in. */
  readonly bytesAPlace: number;
  readonly build: Network["build"];
}

function createModel(runtime: Runtime, parts: UpscalerParts): UpscaleModel {
  const { weights, family, colours, factor, scale, bytesAPlace, build } = parts;
  if (colours !== COLOURS) throw notForPictures(weights, { inputs: colours, outputs: colours });
  const name = `the upscale model of ${JSON.stringify(weights.name)}`;
  const network: Network = {
    key: `upscale ${weights.id} ${weights.prefix}`,
    name,
    workingBytes: (feeds) => upscalerWorkingBytes(feeds, bytesAPlace),
    build,
  };
  runtime.check(network);
  return {
    family,
    scale,
    async enlarge(picture) {
      const [, , height = 0, width = 0] = picture.shape;
      const pixels = unshuffled(padToMultiple(picture, factor), factor);
      const outputs = await runtime.run(network, { pixels });
      const enlarged = checkFinite(outputs.get("enlarged"), name);
      return cropPlanes(enlarged, { height: height * scale, width: width * scale });
    },
  };
}

function notForPictures(
  { name }: Weights,
  { inputs, outputs }: { inputs: number; outputs: number },
) {
  return invalidModel(
    name,
    `it takes pictures of ${inputs} channels and gives ${outputs}; pictures here have ${COLOURS}`,
  );
}
