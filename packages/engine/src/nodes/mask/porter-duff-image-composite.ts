import { sliceBatch } from "../../image/batch.ts";
import { asMaskBatch } from "../../image/mask-shape.ts";
import { PORTER_DUFF_MODES, type PorterDuffMode, porterDuff } from "../../image/porter-duff.ts";
import { resizeChannels, resizeImage } from "../../image/resize.ts";
import { clamp } from "../../image/rounding.ts";
import type { Tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { combo, image, mask } from "../input.ts";

/** Everything is fitted to the destination; alpha inputs and output are masks, 1 = transparent. */
export const porterDuffImageComposite = defineNode({
  name: "PorterDuffImageComposite",
  displayName: "Porter-Duff Image Composite",
  category: "mask/compositing",
  module: "comfy_extras.nodes_compositing",
  schema: "v3",
  inputs: {
    source: image(),
    source_alpha: mask(),
    destination: image(),
    destination_alpha: mask(),
    mode: combo(PORTER_DUFF_MODES, { default: "DST", multiselect: false }),
  },
  outputs: ["IMAGE", "MASK"],
  run: ({ source, source_alpha, destination, destination_alpha, mode }) => {
    const masks = [asMaskBatch(source_alpha), asMaskBatch(destination_alpha)] as const;
    const count = Math.min(...[source, destination, ...masks].map((t) => t.shape[0] ?? 1));
    const [, height = 1, width = 1, channels = 3] = destination.shape;
    if (source.shape.at(-1) !== channels) {
      throw new Error(
        `source and destination need the same channels, got ${source.shape.at(-1)} and ${channels}`,
      );
    }
    const fit = { width, height, method: "bicubic", crop: "center" } as const;
    const layers = {
      source: fitted(source, fit, resizeImage),
      sourceMask: fitted(masks[0], fit, resizeChannels),
      destination,
      destinationMask: fitted(masks[1], fit, resizeChannels),
    };
    return combine(layers, mode, count);
  },
});

function fitted<Fit extends { width: number; height: number }>(
  t: Tensor,
  fit: Fit,
  resize: (t: Tensor, fit: Fit) => Tensor,
): Tensor {
  return t.shape[1] === fit.height && t.shape[2] === fit.width ? t : resize(t, fit);
}

type Layers = {
  source: Tensor;
  sourceMask: Tensor;
  destination: Tensor;
  destinationMask: Tensor;
};

/** Below this alpha a premultiplied colour cannot be divided back. */
const SMALLEST_ALPHA = 1e-5;

function combine(layers: Layers, mode: PorterDuffMode, count: number): [Tensor, Tensor] {
  const rule = porterDuff[mode];
  const colors = sliceBatch(layers.destination, 0, count);
  const masks = sliceBatch(layers.destinationMask, 0, count);
  const channels = colors.shape.at(-1) ?? 3;
  for (let i = 0; i < masks.data.length; i++) {
    const a = 1 - layers.sourceMask.data[i]!;
    const b = 1 - layers.destinationMask.data[i]!;
    const alpha = rule.alpha(a, b);
    for (let c = 0; c < channels; c++) {
      const at = i * channels + c;
      const s = layers.source.data[at]! * a;
      const d = layers.destination.data[at]! * b;
      const color = alpha > SMALLEST_ALPHA ? rule.color(s, a, d, b) / alpha : 0;
      colors.data[at] = clamp(color, 0, 1);
    }
    masks.data[i] = 1 - alpha;
  }
  return [colors, masks];
}
