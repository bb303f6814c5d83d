import { CodedError } from "@rabbitloom/protocol";
import type { Network, Runtime } from "../ort/runtime.ts";
import type { Feed } from "../ort/session.ts";
import type { Tensor } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { detectFamily, type Family, families, headsOf } from "./families.ts";
import { latentFormats } from "./latent-formats.ts";
import { unetAliases } from "./lora-names.ts";
import type { AppliedLora, DiffusionModel, DiffusionNetwork, NetworkInputs } from "./model.ts";
import { createPatches, strengthFeeds } from "./patches.ts";
import { detectPrediction } from "./prediction.ts";
import { buildUnet, unetShape } from "./unet.ts";
import type { Weights } from "./weights.ts";

/** A MODEL of a file's UNet; `file` is the whole file, for marker keys. Throws MODEL_INVALID for one that is not complete. */
export async function createDiffusionModel(
  runtime: Runtime,
  { file, unet }: { readonly file: Weights; readonly unet: Weights },
): Promise<DiffusionModel> {
  const family = detectFamily(unet);
  const { prediction, sampling, isPlayground } = await detectPrediction(file, unet, family);
  return {
    network: createNetwork(runtime, unet, families[family]),
    loras: [],
    prediction,
    sampling,
    latentFormat: isPlayground ? latentFormats.playground : families[family].latentFormat,
  };
}

function createNetwork(runtime: Runtime, unet: Weights, family: Family): DiffusionNetwork {
  const { inputChannels, contextWidth, vectorWidth } = unetShape(unet);
  const name = `the UNet of ${JSON.stringify(unet.name)}`;
  const patches = createPatches(unet, unetAliases(unet));
  const networkFor = (loras: readonly AppliedLora[], control: boolean): Network => ({
    key: `unet ${unet.id} ${control ? "control" : ""} ${loras.map(({ lora }) => lora.id).join()}`,
    name,
    build: (graph) =>
      buildUnet(graph, unet, {
        headsOf: headsOf(unet, family),
        control,
        loras: loras.map(({ lora }) => patches.deltas(lora)),
      }),
  });
  runtime.check(networkFor([], false));

  return {
    family: family.label,
    inputChannels,
    contextWidth,
    vectorWidth,
    vectorKind: family.vectorKind,
    matchLora: (lora) => patches.deltas(lora).size,
    async predict(inputs, loras) {
      checkInputs(inputs);
      const used = patches.used(loras);
      const network = networkFor(used, inputs.control !== undefined);
      const feeds = { ...feedsOf(inputs), ...strengthFeeds(used) };
      const outputs = await runtime.run(network, feeds);
      return checkFinite(outputs.get("out"), name);
    },
  };

  function checkInputs({ x, context, y }: NetworkInputs): void {
    const refuse = (what: string, wanted: number, got: number | undefined) =>
      new CodedError(
        "NODE_FAILED",
        `${name} (${family.label}) wants ${what} of width ${wanted}, got ${got ?? "none"}`,
      );
    if (x.shape[1] !== inputChannels) throw refuse("latents", inputChannels, x.shape[1]);
    if (context.shape[2] !== contextWidth) {
      throw refuse("conditioning", contextWidth, context.shape[2]);
    }
    if (vectorWidth > 0 && y?.shape[1] !== vectorWidth) {
      throw refuse("a vector", vectorWidth, y?.shape[1]);
    }
  }

  function feedsOf({ x, timesteps, context, y, control }: NetworkInputs): Record<string, Feed> {
    const feeds: Record<string, Feed> = {
      x,
      timesteps: { shape: [timesteps.length], data: timesteps },
      context,
    };
    if (vectorWidth > 0 && y !== undefined) feeds.y = y;
    if (control !== undefined) {
      control.input.forEach((residual: Tensor, index) => {
        feeds[`control_${index}`] = residual;
      });
      feeds.control_middle = control.middle;
    }
    return feeds;
  }
}
