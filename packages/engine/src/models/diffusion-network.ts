import { CodedError } from "@rabbitloom/protocol";
import { repeatToBatch } from "../image/batch.ts";
import type { Network, Runtime } from "../ort/runtime.ts";
import type { Feed } from "../ort/session.ts";
import { readCameraProjection } from "./camera-projection.ts";
import { checkFinite, namedWith } from "./check-finite.ts";
import { controlFeeds } from "./control-feeds.ts";
import { detectFamily, type Family, families, headsOf } from "./families.ts";
import { type FreeU, freeUNumbers } from "./free-u.ts";
import { withOwnColors } from "./latent-colors.ts";
import { latentFormats } from "./latent-formats.ts";
import { unetAliases } from "./lora-names.ts";
import type {
  DiffusionModel,
  DiffusionNetwork,
  LocatedUnet,
  NetworkInputs,
  NetworkPatches,
} from "./model.ts";
import { openWeights } from "./open-weights.ts";
import { createPatches, strengthFeeds } from "./patches.ts";
import { detectPrediction } from "./prediction.ts";
import { createTaesdPreview } from "./taesd-vae.ts";
import { type ChangedWeights, unchanged } from "./tensor-recipe.ts";
import { adapterBlocks, buildUnet, skipChannels, unetShape } from "./unet.ts";
import type { Weights } from "./weights.ts";
import { unetWorkingBytes } from "./working-memory.ts";

/** A MODEL of a file's UNet; `file` is the whole file, for marker keys. Throws MODEL_INVALID for one that is not complete. */
export async function createDiffusionModel(
  runtime: Runtime,
  { file, unet }: { readonly file: Weights; readonly unet: Weights },
): Promise<DiffusionModel> {
  const promptProjection = await readCameraProjection(file);
  const family = promptProjection === undefined ? detectFamily(unet) : "zero123";
  const { prediction, sampling, isPlayground } = await detectPrediction(file, unet, family);
  const format = isPlayground ? latentFormats.playground : families[family].latentFormat;
  return {
    network: createNetwork(runtime, unchanged(unet), {
      family: families[family],
      ...(promptProjection === undefined ? {} : { promptProjection }),
    }),
    loras: [],
    prediction,
    sampling,
    latentFormat: withOwnColors(format, file),
  };
}

/** A located UNet with what is built into its graph. */
interface UnetBuild extends LocatedUnet {
  readonly freeU?: FreeU["version"] | undefined;
  readonly hypernetworks?: NonNullable<NetworkPatches["hypernetworks"]>;
  readonly gligen?: Weights | undefined;
  readonly isPerturbed?: boolean | undefined;
}

function createNetwork(
  runtime: Runtime,
  given: ChangedWeights,
  kind: { readonly family: Family } & Pick<DiffusionNetwork, "promptProjection">,
): DiffusionNetwork {
  const { base } = given;
  const { family, ...rest } = kind;
  const { inputChannels, contextWidth, vectorWidth, modelChannels } = unetShape(base);
  const name = `the UNet of ${JSON.stringify(base.name)}`;
  const patches = createPatches(base, unetAliases(base));
  const controlInputs = { channels: skipChannels(base), adapters: adapterBlocks(base) };
  const heads = headsOf(base, family);
  const networkFor = ({ weights, branches, ...extras }: UnetBuild): Network => {
    const { freeU, hypernetworks = [], gligen, isPerturbed = false } = extras;
    const ids = [
      ...branches.map(({ lora }) => lora.id),
      ...hypernetworks.map(({ hypernetwork }) => hypernetwork.id),
    ];
    return {
      key: `unet ${weights.id} freeu ${freeU ?? 0} ${ids.join()} ${gligen?.id ?? ""} ${isPerturbed}`,
      name,
      isQuantizable: true,
      workingBytes: (feeds) => unetWorkingBytes(feeds, modelChannels),
      build: (graph) =>
        buildUnet(graph, weights, {
          headsOf: heads,
          freeU,
          loras: branches.map(({ deltas }) => deltas),
          hypernetworks: hypernetworks.map(({ hypernetwork }) => hypernetwork),
          gligen,
          isPerturbed,
        }),
    };
  };
  const located = async (loras: NetworkPatches["loras"]): Promise<LocatedUnet> => {
    const { branches, weights } = patches.plan(loras, given);
    return { branches, weights: await runtime.scratch.located(weights) };
  };
  runtime.check(networkFor({ weights: base, branches: [] }));

  return {
    family: family.label,
    inputChannels,
    contextWidth,
    vectorWidth,
    vectorKind: family.vectorKind,
    skipChannels: controlInputs.channels,
    ...rest,
    matchLora: patches.matched,
    checkRoom: ({ batch, height, width }) =>
      runtime.checkRun(networkFor({ weights: base, branches: [] }), {
        x: [batch, inputChannels, height, width],
      }),
    async predict(inputs, patched) {
      checkInputs(inputs);
      const unet = await located(patched.loras);
      const hypernetworks = (patched.hypernetworks ?? []).filter(({ strength }) => strength !== 0);
      const network = networkFor({
        ...unet,
        hypernetworks,
        freeU: inputs.freeU?.version,
        gligen: inputs.objects?.layers,
        isPerturbed: inputs.isPerturbed,
      });
      const feeds = {
        ...feedsOf(inputs),
        ...strengthFeeds("lora", unet.branches),
        ...strengthFeeds("hypernetwork", hypernetworks),
      };
      const outputs = await runtime.run(network, feeds);
      const patchNames = [
        ...unet.branches.map(({ lora }) => lora.name),
        ...hypernetworks.map(({ hypernetwork }) => hypernetwork.name),
      ];
      return checkFinite(outputs.get("out"), namedWith(name, patchNames));
    },
    openPreviewDecoder: async (file) =>
      createTaesdPreview(runtime, {
        file: await openWeights(file),
        channels: family.latentFormat.channels,
      }),
    source: {
      headsOf: heads,
      weights: (loras) => patches.workedIn(loras, given),
      located,
      with: (weights) => createNetwork(runtime, weights, kind),
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

  function feedsOf({
    x,
    timesteps,
    context,
    y,
    control,
    freeU,
    objects,
  }: NetworkInputs): Record<string, Feed> {
    const feeds: Record<string, Feed> = {
      x,
      timesteps: { shape: [timesteps.length], data: timesteps },
      context,
    };
    if (vectorWidth > 0 && y !== undefined) feeds.y = y;
    if (freeU !== undefined) feeds.freeu = { shape: [4], data: freeUNumbers(freeU) };
    if (objects !== undefined) feeds.objects = repeatToBatch(objects.tokens, timesteps.length);
    return { ...feeds, ...controlFeeds(control, controlInputs) };
  }
}
