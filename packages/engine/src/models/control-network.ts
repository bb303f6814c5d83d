import type { Network, Runtime } from "../ort/runtime.ts";
import type { Feed } from "../ort/session.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { controlHint } from "./control-hint.ts";
import type {
  AttachedControl,
  ControlNet,
  ControlPicture,
  ControlResiduals,
} from "./control-net.ts";
import { buildControlNet, KIND_WIDTH, kindsOf } from "./controlnet.ts";
import type { DiffusionNetwork, DiffusionSource } from "./model.ts";
import { sinusoid } from "./sinusoid.ts";
import { skipChannels, unetShape } from "./unet.ts";
import { invalidModel, type Weights } from "./weights.ts";
import { controlNetWorkingBytes } from "./working-memory.ts";

/** Residuals of such files count as their mean over the map: what to shuffle is no place. */
const AVERAGED_FILE = /_shuffle(_fp16)?\.[^.]*$/;
/** Pixels of the picture along the side of one latent pixel. */
const PIXELS_PER_LATENT = 8;

/**
 * A ControlNet that runs with the weights that `locate` gives, which are those of the file where nothing else is said.
 * Throws MODEL_INVALID for one that is not complete.
 */
export function createControlNet(
  runtime: Runtime,
  weights: Weights,
  locate: () => Promise<Weights> = async () => weights,
): ControlNet {
  const { modelChannels } = unetShape(weights);
  const networkOf = (located: Weights, headsOf: DiffusionSource["headsOf"]): Network => ({
    key: `controlnet ${located.id}`,
    name: `the ControlNet ${JSON.stringify(weights.name)}`,
    workingBytes: (feeds) => controlNetWorkingBytes(feeds, modelChannels),
    build: (graph) => buildControlNet(graph, located, { headsOf, isAveraged: isAveraged(weights) }),
  });
  runtime.check(networkOf(weights, () => 1));
  return controlNetOf(weights, ({ network: unet }, picture, kind) => {
    checkMatch(weights, unet);
    const headsOf = unet.source?.headsOf ?? (() => 1);
    const ready = async () => ({ network: networkOf(await locate(), headsOf) });
    return attached({ runtime, ready, weights, picture, kind });
  });
}

export const isAveraged = ({ name }: Weights) => AVERAGED_FILE.test(name);

type Attach = (
  unet: Parameters<ControlNet["attach"]>[0],
  picture: ControlPicture,
  kind: number | null,
) => AttachedControl;

export function controlNetOf(
  weights: Weights,
  attach: Attach,
  kind: number | null = null,
): ControlNet {
  const kinds = kindsOf(weights);
  return {
    name: weights.name,
    kinds: kinds === 0 ? null : kinds,
    ofKind: (told) => controlNetOf(weights, attach, told),
    attach: (unet, picture) => attach(unet, picture, kind),
  };
}

/** A net runs beside the UNet whose way down it is a copy of: all its widths are the UNet's. */
function checkMatch(weights: Weights, network: DiffusionNetwork): void {
  const net = unetShape(weights);
  const own = skipChannels(weights);
  const unet = network.skipChannels;
  const fits =
    [0, network.contextWidth].includes(net.contextWidth) &&
    [0, network.vectorWidth].includes(net.vectorWidth) &&
    own.join() === unet.join();
  if (fits) return;
  throw invalidModel(
    weights.name,
    `this ControlNet is for another model: it reads prompts of width ${net.contextWidth} and vectors of width ` +
      `${net.vectorWidth} and adds to blocks of ${own.join(", ")} channels; ${network.family} has ` +
      `${network.contextWidth}, ${network.vectorWidth} and ${unet.join(", ")}`,
  );
}

/** Runs a network of buildControlNet with one picture. */
export function attached({
  runtime,
  ready,
  weights,
  picture,
  kind,
}: {
  readonly runtime: Runtime;
  /** The network as it is at one run, with inputs of its own: computed weights may lie elsewhere at the next. */
  ready(): Promise<{ readonly network: Network; readonly feeds?: Readonly<Record<string, Feed>> }>;
  readonly weights: Weights;
  readonly picture: ControlPicture;
  readonly kind: number | null;
}): AttachedControl {
  const { contextWidth, vectorWidth } = unetShape(weights);
  const channels = weights.tensors.get("input_hint_block.0.weight")?.shape[1] ?? 0;
  const hint = controlHint(picture, {
    width: picture.width * PIXELS_PER_LATENT,
    height: picture.height * PIXELS_PER_LATENT,
  });
  if (hint.shape[1] !== channels) {
    throw invalidModel(
      weights.name,
      `this ControlNet sees pictures of ${channels} channels, got one of ${hint.shape[1]}`,
    );
  }
  const fixed = { hint, ...kindFeeds(kindsOf(weights), kind) };
  return {
    async run({ x, timesteps, context, y }, strength) {
      const { network, feeds: own } = await ready();
      const feeds: Record<string, Feed> = {
        ...fixed,
        ...own,
        x,
        timesteps: { shape: [timesteps.length], data: timesteps },
        strength: tensor([1], Float32Array.of(strength)),
      };
      if (contextWidth > 0) feeds.context = context;
      if (vectorWidth > 0 && y !== undefined) feeds.y = y;
      return residualsIn(await runtime.run(network, feeds), network.name);
    },
  };
}

function kindFeeds(kinds: number, kind: number | null): Record<string, Tensor> {
  if (kinds === 0) return {};
  const marks = Float32Array.from({ length: kinds }, (_, index) => (index === kind ? 1 : 0));
  const waves = new Float32Array(kinds * KIND_WIDTH);
  marks.forEach((mark, index) => {
    waves.set(sinusoid(mark, KIND_WIDTH), index * KIND_WIDTH);
  });
  return { kind: tensor([1, kinds], marks), kind_waves: tensor([1, waves.length], waves) };
}

function residualsIn(outputs: ReadonlyMap<string, Tensor>, name: string): ControlResiduals {
  const skips = new Map<number, Tensor>();
  for (const [output, residual] of outputs) {
    checkFinite(residual, name);
    if (output.startsWith("skip_")) skips.set(Number(output.slice("skip_".length)), residual);
  }
  const middle = outputs.get("middle");
  return { skips, behind: new Map(), ...(middle === undefined ? {} : { middle }) };
}
