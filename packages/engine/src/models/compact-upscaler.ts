/**
 * Real-ESRGAN's compact network (SRVGGNetCompact): convolutions and PReLUs at the picture's own size, then one
 * rearrangement of channels into pixels; the picture itself is added. B batch, C channels, H W pixels, r enlargement.
 */
import type { Graph } from "../ort/graph.ts";
import { createLayers } from "./layers.ts";
import { entryOf, invalidModel, type Weights } from "./weights.ts";

/** Input `pixels` [B,C,H,W], output `enlarged` [B,C,rH,rW]. */
export function buildCompactUpscaler(graph: Graph, weights: Weights): void {
  const net = createLayers(graph, weights);
  const { channels, scale, last } = compactShape(weights);
  const pixels = graph.input("pixels", ["B", channels, "H", "W"]);
  let h = pixels;
  for (let index = 0; index <= last; index++) {
    const [width = 0, ...rest] = net.shape(`body.${index}.weight`);
    if (rest.length > 0) h = net.conv(`body.${index}`, h);
    else
      h = graph.add("PRelu", [
        h,
        graph.add("Reshape", [net.weight(`body.${index}.weight`), graph.integers([width, 1, 1])]),
      ]);
  }
  const added = graph.add("DepthToSpace", [h], { blocksize: scale, mode: "CRD" });
  const factors = graph.constant([1, 1, scale, scale], [4], { raw: true });
  const base = graph.add("Resize", [pixels, "", factors], {
    mode: "nearest",
    nearest_mode: "floor",
    coordinate_transformation_mode: "asymmetric",
  });
  graph.output("enlarged", graph.add("Add", [added, base]), ["B", channels, "H2", "W2"]);
}

export interface CompactShape {
  readonly channels: number;
  readonly scale: number;
  /** Index of the last layer. */
  readonly last: number;
}

export function isCompactUpscaler({ tensors }: Weights): boolean {
  return (
    tensors.get("body.0.weight")?.shape.length === 4 &&
    tensors.get("body.1.weight")?.shape.length === 1
  );
}

/** Throws MODEL_INVALID where the last layer's channels make no whole pixels. */
export function compactShape(weights: Weights): CompactShape {
  let last = 0;
  while (weights.tensors.has(`body.${last + 1}.weight`)) last += 1;
  const [, channels = 0] = entryOf(weights, "body.0.weight").shape;
  const [outputs = 0] = entryOf(weights, `body.${last}.weight`).shape;
  const scale = Math.sqrt(outputs / channels);
  if (!Number.isInteger(scale)) {
    throw invalidModel(
      weights.name,
      `its last layer puts out ${outputs} channels for pictures of ${channels}`,
    );
  }
  return { channels, scale, last };
}
