import { loadControlNet } from "../../models/control-net-file.ts";
import { loadGligen } from "../../models/gligen-file.ts";
import { type Hypernetwork, loadHypernetwork } from "../../models/hypernetwork.ts";
import type { DiffusionNetwork } from "../../models/model.ts";
import { loadStyleModel } from "../../models/style-model.ts";
import { invalidModel } from "../../models/weights.ts";
import type { Runtime } from "../../ort/runtime.ts";
import type { NodeClass } from "../define-node.ts";
import { defineNode } from "../define-node.ts";
import { float, model, modelFile } from "../input.ts";

/** Throws MODEL_INVALID for one that no attention of the network reads through. */
function checkWidths({ name, byWidth }: Hypernetwork, network: DiffusionNetwork): void {
  const read = new Set([network.contextWidth, ...network.skipChannels]);
  if ([...byWidth.keys()].some((width) => read.has(width))) return;
  throw invalidModel(
    name,
    `this hypernetwork is for another model: it changes what is read at widths ${[...byWidth.keys()].join(", ")}; ` +
      `${network.family} reads at ${[...read].join(", ")}`,
  );
}

/** Loaders of what patches or feeds a diffusion network. */
export function controlLoaders(runtime: Runtime): readonly NodeClass[] {
  return [
    defineNode({
      name: "ControlNetLoader",
      displayName: "Load ControlNet Model",
      category: "loaders",
      inputs: { control_net_name: modelFile("controlnet") },
      outputs: ["CONTROL_NET"],
      run: async ({ control_net_name }, { models }) => [
        await loadControlNet(runtime, { file: models.path("controlnet", control_net_name) }),
      ],
    }),
    // A file may hold what is to be added to the model's own weights.
    defineNode({
      name: "DiffControlNetLoader",
      displayName: "Load ControlNet Model (diff)",
      category: "loaders",
      inputs: { model: model(), control_net_name: modelFile("controlnet") },
      outputs: ["CONTROL_NET"],
      run: async ({ model, control_net_name }, { models }) => [
        await loadControlNet(runtime, {
          file: models.path("controlnet", control_net_name),
          base: model,
        }),
      ],
    }),
    defineNode({
      name: "GLIGENLoader",
      category: "loaders",
      inputs: { gligen_name: modelFile("gligen") },
      outputs: ["GLIGEN"],
      run: async ({ gligen_name }, { models }) => [
        await loadGligen(runtime, models.path("gligen", gligen_name)),
      ],
    }),
    defineNode({
      name: "StyleModelLoader",
      displayName: "Load Style Model",
      category: "loaders",
      inputs: { style_model_name: modelFile("style_models") },
      outputs: ["STYLE_MODEL"],
      run: async ({ style_model_name }, { models }) => [
        await loadStyleModel(runtime, models.path("style_models", style_model_name)),
      ],
    }),
    defineNode({
      name: "HypernetworkLoader",
      category: "loaders",
      module: "comfy_extras.nodes_hypernetwork",
      inputs: {
        model: model(),
        hypernetwork_name: modelFile("hypernetworks"),
        strength: float({ default: 1.0, min: -10.0, max: 10.0, step: 0.01 }),
      },
      outputs: ["MODEL"],
      run: async ({ hypernetwork_name, strength, ...inputs }, { models }) => {
        const file = models.path("hypernetworks", hypernetwork_name);
        const hypernetwork = await loadHypernetwork(file);
        checkWidths(hypernetwork, inputs.model.network);
        const { hypernetworks = [] } = inputs.model;
        const applied = { hypernetwork, strength };
        return [{ ...inputs.model, hypernetworks: [...hypernetworks, applied] }];
      },
    }),
  ];
}
