import type { Runtime } from "../ort/runtime.ts";
import { createT2iAdapter } from "./adapter-network.ts";
import { createControlLora } from "./control-lora.ts";
import type { ControlNet } from "./control-net.ts";
import { createControlNet } from "./control-network.ts";
import { DIFFUSERS_CONTROLNET_MARK, withOwnUnetNames } from "./diffusers-unet.ts";
import { withSplitAttention } from "./fused-attention.ts";
import type { DiffusionModel } from "./model.ts";
import { openWeights } from "./open-weights.ts";
import { unknownFile } from "./unknown-file.ts";
import { invalidModel, type TensorEntry, type Weights, weightsUnder } from "./weights.ts";

const FIRST_ZERO_CONV = "zero_convs.0.0.weight";
const ORIGINAL = "control_model.";
/** Marks files that hold what a ControlNet has more than its model. */
const DIFFERENCE = "difference";

export interface ControlNetFile {
  /** Path. */
  readonly file: string;
  /** For files that hold differences to a model. */
  readonly base?: DiffusionModel;
}

/** A ControlNet, a Control-LoRA or a T2I adapter: its keys say which. Throws MODEL_INVALID for other files. */
export async function loadControlNet(
  runtime: Runtime,
  { file, base }: ControlNetFile,
): Promise<ControlNet> {
  const weights = await openWeights(file);
  const { tensors } = weights;
  if (tensors.has("lora_controlnet")) return createControlLora(runtime, weights);
  const net = findControlNet(weights);
  const adapter = net === undefined ? createT2iAdapter(runtime, weights) : undefined;
  if (adapter !== undefined) return adapter;
  if (net === undefined) throw unknownFile(weights, "a ControlNet or a T2I adapter");
  return tensors.has(DIFFERENCE)
    ? createFromDifferences(runtime, net, base)
    : createControlNet(runtime, net);
}

/** The net whose weights are the file's and the model's together, where both have one. */
function createFromDifferences(
  runtime: Runtime,
  net: Weights,
  base: DiffusionModel | undefined,
): ControlNet {
  const unet = base?.network.source?.weights(base.loras);
  if (base === undefined || unet === undefined) {
    throw invalidModel(
      net.name,
      "it holds the differences of a ControlNet to its model: load it with DiffControlNetLoader",
    );
  }
  const whole = (located: Weights) => sumOf(net, located, base.network.family);
  const locate = async () => whole(await runtime.scratch.located(unet));
  return createControlNet(runtime, whole(unet.base), locate);
}

function sumOf(net: Weights, unet: Weights, family: string): Weights {
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of net.tensors) {
    const plus = unet.tensors.get(key);
    if (plus !== undefined && plus.shape.join() !== entry.shape.join()) {
      throw invalidModel(
        net.name,
        `its differences are those to another model: "${key}" is [${entry.shape}], that of ` +
          `${family} [${plus.shape}]`,
      );
    }
    tensors.set(key, plus === undefined ? entry : { ...entry, plus });
  }
  return { ...net, id: `${net.id} on ${unet.id}`, tensors };
}

/** Under the names of the UNet that it is made of. */
function findControlNet(found: Weights): Weights | undefined {
  const file = withSplitAttention(found);
  if (file.tensors.has(DIFFUSERS_CONTROLNET_MARK)) return withOwnUnetNames(file);
  const prefix = [ORIGINAL, ""].find((start) => file.tensors.has(start + FIRST_ZERO_CONV));
  return prefix === undefined ? undefined : weightsUnder(file, prefix);
}
