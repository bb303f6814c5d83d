import type { Network, Runtime } from "../ort/runtime.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { controlHint } from "./control-hint.ts";
import type {
  AttachedControl,
  ControlNet,
  ControlPicture,
  ControlResiduals,
} from "./control-net.ts";
import type { DiffusionNetwork } from "./model.ts";
import { type AdapterShape, adapterShape, buildT2iAdapter } from "./t2i-adapter.ts";
import { invalidModel, type TensorEntry, type Weights } from "./weights.ts";
import { adapterWorkingBytes } from "./working-memory.ts";

const PIXELS_PER_LATENT = 8;
const PREFIX = "adapter.";

/** A T2I adapter; nothing for files of another kind. Throws MODEL_INVALID for one that is not complete. */
export function createT2iAdapter(runtime: Runtime, file: Weights): ControlNet | undefined {
  const weights = withOwnNames(file);
  const shape = adapterShape(weights);
  if (shape === undefined) return undefined;
  const network: Network = {
    key: `adapter ${weights.id}`,
    name: `the T2I adapter ${JSON.stringify(weights.name)}`,
    workingBytes: (feeds) => adapterWorkingBytes(feeds, shape.levels[0]?.channels ?? 0),
    build: (graph) => buildT2iAdapter(graph, weights, shape),
  };
  runtime.check(network);
  const adapter: ControlNet = {
    name: weights.name,
    kinds: null,
    ofKind: () => adapter,
    attach({ network: unet }, picture) {
      checkMatch(weights, shape, unet);
      return attached({ runtime, network, shape, picture });
    },
  };
  return adapter;
}

/** What diffusers and the authors' own files have around and in the names. */
function withOwnNames(file: Weights): Weights {
  const tensors = new Map<string, TensorEntry>();
  const isDiffusers = file.tensors.has("adapter.body.0.resnets.0.block1.weight");
  for (const [key, entry] of file.tensors) {
    const bare = key.startsWith(PREFIX) ? key.slice(PREFIX.length) : key;
    tensors.set(isDiffusers ? ownName(bare) : bare, entry);
  }
  return { ...file, tensors };
}

/** diffusers counts levels, and the two blocks in them. */
function ownName(key: string): string {
  return key
    .replace(
      /^body\.(\d+)\.resnets\.(\d+)\./,
      (_, level: string, index: string) => `body.${2 * Number(level) + Number(index)}.`,
    )
    .replace(
      /^body\.(\d+)\.(in_conv|down_opt)\./,
      (_, level: string, part: string) => `body.${2 * Number(level)}.${part}.`,
    );
}

function checkMatch(weights: Weights, { levels }: AdapterShape, unet: DiffusionNetwork): void {
  const last = unet.skipChannels.at(-1);
  const wanted = levels.map(({ block }) => (block === null ? last : unet.skipChannels[block]));
  if (levels.every(({ channels }, level) => channels === wanted[level])) return;
  const own = levels.map(({ channels, block }) => `${channels} at ${block ?? "the middle"}`);
  throw invalidModel(
    weights.name,
    `this T2I adapter is for another model: it adds maps of ${own.join(", ")}; there ${unet.family} has ` +
      `${wanted.map((channels) => channels ?? "nothing").join(", ")} channels`,
  );
}

/** The picture does not change while sampling, and so neither do the maps. */
function attached({
  runtime,
  network,
  shape,
  picture,
}: {
  readonly runtime: Runtime;
  readonly network: Network;
  readonly shape: AdapterShape;
  readonly picture: ControlPicture;
}): AttachedControl {
  let known: Promise<ControlResiduals> | undefined;
  const look = async (strength: number): Promise<ControlResiduals> => {
    const pixels = adapterPixels(picture, shape);
    const outputs = await runtime.run(network, {
      pixels,
      strength: tensor([1], Float32Array.of(strength)),
    });
    const maps = shape.levels.map(({ block }, level) => ({
      block,
      map: checkFinite(outputs.get(`level_${level}`), network.name),
    }));
    const middle = maps.find(({ block }) => block === null)?.map;
    return {
      skips: new Map(),
      behind: new Map(maps.flatMap(({ block, map }) => (block === null ? [] : [[block, map]]))),
      ...(middle === undefined ? {} : { middle }),
    };
  };
  return {
    run(_, strength) {
      known ??= look(strength);
      return known;
    },
  };
}

/** [B,K,h,w]: the picture, grey where the adapter wants it, each square of pixels as channels of one place. */
function adapterPixels(picture: ControlPicture, { unshuffle, channels }: AdapterShape): Tensor {
  const rounded = (latent: number) =>
    Math.ceil((latent * PIXELS_PER_LATENT) / unshuffle) * unshuffle;
  const size = { width: rounded(picture.width), height: rounded(picture.height) };
  const hint = controlHint(picture, size);
  const [batch = 1, given = 1] = hint.shape;
  const seen = channels === 1 && given > 1 ? grey(hint) : hint;
  if (seen.shape[1] !== channels) {
    throw new Error(`the T2I adapter sees pictures of ${channels} channels, got ${given}`);
  }
  const [columns, rows] = [size.width / unshuffle, size.height / unshuffle];
  const out = tensor([batch, channels * unshuffle ** 2, rows, columns]);
  let to = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (let place = 0; place < unshuffle ** 2; place++) {
      const [top, left] = [Math.floor(place / unshuffle), place % unshuffle];
      for (let y = 0; y < rows; y++) {
        const line = (plane * size.height + y * unshuffle + top) * size.width + left;
        for (let x = 0; x < columns; x++) out.data[to++] = seen.data[line + x * unshuffle] ?? 0;
      }
    }
  }
  return out;
}

/** The mean over the channels. */
function grey({ shape, data }: Tensor): Tensor {
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  const plane = height * width;
  const out = tensor([batch, 1, height, width]);
  for (let i = 0; i < out.data.length; i++) {
    const first = Math.floor(i / plane) * channels * plane + (i % plane);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += data[first + c * plane] ?? 0;
    out.data[i] = sum / channels;
  }
  return out;
}
