/** Enlarging pictures by networks that were trained for it. */
import { CodedError } from "@rabbitloom/protocol";
import { channelsFirst, channelsLast } from "../../models/layout.ts";
import { inTiles } from "../../models/tiles.ts";
import { loadUpscaleModel, type UpscaleModel } from "../../models/upscale-model.ts";
import type { Runtime } from "../../ort/runtime.ts";
import { type Tensor, tensor } from "../../tensor.ts";
import type { NodeContext } from "../context.ts";
import type { NodeClass } from "../define-node.ts";
import { defineNode } from "../define-node.ts";
import { custom, image, modelFile } from "../input.ts";

const module = "comfy_extras.nodes_upscale_model";
const OVERLAP = 32;
const TILE = 512;
const SMALLEST_TILE = 128;

export function upscaleModelLoader(runtime: Runtime): NodeClass {
  return defineNode({
    name: "UpscaleModelLoader",
    displayName: "Load Upscale Model",
    category: "loaders",
    module,
    schema: "v3",
    inputs: { model_name: modelFile("upscale_models", { multiselect: false }) },
    outputs: ["UPSCALE_MODEL"],
    run: async ({ model_name }, { models }) => [
      await loadUpscaleModel(runtime, models.path("upscale_models", model_name)),
    ],
  });
}

export const imageUpscaleWithModel = defineNode({
  name: "ImageUpscaleWithModel",
  displayName: "Upscale Image (using Model)",
  category: "image/upscaling",
  module,
  schema: "v3",
  inputs: { upscale_model: custom<UpscaleModel>("UPSCALE_MODEL", {}), image: image({}) },
  outputs: ["IMAGE"],
  usesDevice: true,
  run: async ({ upscale_model, image }, context) => {
    const [, , , channels = 0] = image.shape;
    if (channels !== 3) {
      throw new Error(`upscale models take pictures of 3 channels, got one of ${channels}`);
    }
    for (let size = TILE; ; size = Math.floor(size / 2)) {
      try {
        return [await enlarged(upscale_model, image, { size, context })];
      } catch (error) {
        const isMemory = error instanceof CodedError && error.code === "DEVICE_OUT_OF_MEMORY";
        if (!isMemory || size / 2 < SMALLEST_TILE) throw error;
      }
    }
  },
});

/** Picture by picture, in tiles. image: [B,H,W,3] */
async function enlarged(
  model: UpscaleModel,
  image: Tensor,
  { size, context }: { size: number; context: NodeContext },
): Promise<Tensor> {
  const [batch = 0, height = 0, width = 0] = image.shape;
  const { signal } = context;
  const { scale } = model;
  const result = tensor([batch, height * scale, width * scale, 3]);
  for (let index = 0; index < batch; index++) {
    const pixels = image.data.subarray(
      index * height * width * 3,
      (index + 1) * height * width * 3,
    );
    const planes = channelsFirst(tensor([1, height, width, 3], pixels), (value) => value);
    const onTile = (done: number, tiles: number) =>
      context.progress(index * tiles + done, batch * tiles);
    const large = await inTiles(planes, model.enlarge, {
      size,
      overlap: OVERLAP,
      scale,
      signal,
      onTile,
    });
    const picture = channelsLast(large, (value) => Math.min(Math.max(value, 0), 1));
    result.data.set(picture.data, index * picture.data.length);
  }
  return result;
}
