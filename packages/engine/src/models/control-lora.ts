import type { Network, Runtime } from "../ort/runtime.ts";
import type { ControlNet } from "./control-net.ts";
import { attached, controlNetOf, isAveraged } from "./control-network.ts";
import { buildControlNet } from "./controlnet.ts";
import { lowRankBranches } from "./layers.ts";
import type { Branch, LocatedUnet, LoraDelta } from "./model.ts";
import { strengthFeeds } from "./patches.ts";
import { unetShape } from "./unet.ts";
import { invalidModel, type TensorEntry, type Weights } from "./weights.ts";
import { controlNetWorkingBytes } from "./working-memory.ts";

/**
 * A ControlNet of which the file holds only what differs from the model that it is used with: whole tensors, and for the
 * other layers two narrow matrices whose product is added to the model's own weight.
 */
export function createControlLora(runtime: Runtime, file: Weights): ControlNet {
  const deltas = lowRankDeltas(file);
  return controlNetOf(file, ({ network: unet, loras }, picture, kind) => {
    const { source } = unet;
    if (source === undefined) {
      throw invalidModel(
        file.name,
        `a Control-LoRA needs the weights of its model, and ${unet.family} has none`,
      );
    }
    const { base } = source.weights([]);
    checkSizes(file, { deltas, unet: base, family: unet.family });
    const { modelChannels } = unetShape(base);
    const networkOf = ({ weights, branches }: LocatedUnet): Network => ({
      key: `control-lora ${file.id} ${weights.id} ${branches.map(({ lora }) => lora.id).join()}`,
      name: `the Control-LoRA ${JSON.stringify(file.name)}`,
      workingBytes: (feeds) => controlNetWorkingBytes(feeds, modelChannels),
      build: (graph) =>
        buildControlNet(graph, completed(file, weights), {
          headsOf: source.headsOf,
          isAveraged: isAveraged(file),
          branches: [
            ...lowRankBranches(
              graph,
              branches.map((branch) => besideModelsOwn(branch, file)),
            ),
            { deltas, strength: graph.constant([1], [1]) },
          ],
        }),
    });
    runtime.check(networkOf({ weights: base, branches: [] }));
    const ready = async () => {
      const located = await source.located(loras);
      return {
        network: networkOf(located),
        feeds: strengthFeeds("lora", located.branches),
      };
    };
    return attached({ runtime, ready, weights: completed(file, base), picture, kind });
  });
}

function lowRankDeltas(file: Weights): ReadonlyMap<string, LoraDelta> {
  const deltas = new Map<string, LoraDelta>();
  for (const [key, down] of file.tensors) {
    if (!key.endsWith(".down")) continue;
    const layer = key.slice(0, -".down".length);
    const up = file.tensors.get(`${layer}.up`);
    if (up === undefined) throw invalidModel(file.name, `"${key}" has no "${layer}.up" beside it`);
    deltas.set(layer, { down, up, scale: 1 });
  }
  return deltas;
}

/** A model's LoRA changes no layer that the file has its own for. */
function besideModelsOwn({ deltas }: Branch, file: Weights): Branch["deltas"] {
  return new Map([...deltas].filter(([layer]) => !file.tensors.has(`${layer}.weight`)));
}

/** The model's tensors, the file's in place of those that it has. */
function completed(file: Weights, unet: Weights): Weights {
  const tensors = new Map<string, TensorEntry>(unet.tensors);
  for (const [key, entry] of file.tensors) tensors.set(key, entry);
  return { ...file, tensors, metadata: unet.metadata };
}

function checkSizes(
  file: Weights,
  {
    deltas,
    unet,
    family,
  }: {
    readonly deltas: ReadonlyMap<string, LoraDelta>;
    readonly unet: Weights;
    readonly family: string;
  },
): void {
  for (const [layer, { down, up }] of deltas) {
    const shape = unet.tensors.get(`${layer}.weight`)?.shape;
    if (shape?.[0] === up.shape[0] && shape?.[1] === down.shape[1]) continue;
    const has = shape === undefined ? "no such layer" : `one from ${shape[1]} to ${shape[0]}`;
    throw invalidModel(
      file.name,
      `this Control-LoRA is for another model: it changes a layer "${layer}" from ${down.shape[1]} to ${up.shape[0]} ` +
        `channels, ${family} has ${has}`,
    );
  }
}
