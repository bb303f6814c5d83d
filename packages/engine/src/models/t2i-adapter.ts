/**
 * T2I adapters: small networks that see a picture once, and whose maps are added on a UNet's way down. Mou et al. 2023,
 * arXiv:2302.08453. B pictures, K channels of unshuffled pixels, h w their places.
 */
import type { Graph, Value } from "../ort/graph.ts";
import { createLayers, type Layers } from "./layers.ts";
import { shapePart } from "./operators.ts";
import type { Weights } from "./weights.ts";

/** Residual blocks of a level, in the full form. */
const BLOCKS_PER_LEVEL = 2;
/** With pixels unshuffled by 16, only one level halves the size, and the last map is for the middle. */
const WIDE_UNSHUFFLE = 16;
const UNSHUFFLE = 8;
const WIDE_HALVING_LEVEL = 2;
/** Where a UNet with levels of three blocks takes the maps; of the wide form, all but the last. */
const WIDE_BLOCKS = [3, 5, 8];
const LIGHT_MARK = "body.0.out_conv.weight";
const FULL_MARK = "body.0.block1.weight";

export interface AdapterShape {
  readonly isLight: boolean;
  /** Side of the squares of pixels that become channels. */
  readonly unshuffle: number;
  /** Of the picture: 1 for grey ones. */
  readonly channels: number;
  /** The channels of each level's map, and the UNet's input block that it is added behind; null for the middle. */
  readonly levels: readonly { readonly channels: number; readonly block: number | null }[];
}

/** Nothing for weights of another kind. */
export function adapterShape({ tensors }: Weights): AdapterShape | undefined {
  const light = tensors.get("body.0.in_conv.weight");
  const first = light ?? tensors.get("conv_in.weight");
  if (first === undefined || !(tensors.has(LIGHT_MARK) || tensors.has(FULL_MARK))) return undefined;
  const pixels = first.shape[1] ?? 0;
  const isWide = light === undefined && [1, 3].some((c) => pixels === c * WIDE_UNSHUFFLE ** 2);
  const unshuffle = isWide ? WIDE_UNSHUFFLE : UNSHUFFLE;
  const widthOf = (level: number) =>
    light === undefined
      ? tensors.get(`body.${level * BLOCKS_PER_LEVEL}.block1.weight`)?.shape[0]
      : tensors.get(`body.${level}.out_conv.weight`)?.shape[0];
  const levels: AdapterShape["levels"][number][] = [];
  for (let channels = widthOf(0); channels !== undefined; channels = widthOf(levels.length)) {
    const level = levels.length;
    levels.push({ channels, block: isWide ? (WIDE_BLOCKS[level] ?? null) : 3 * level + 2 });
  }
  return { isLight: light !== undefined, unshuffle, channels: pixels / unshuffle ** 2, levels };
}

/** Inputs `pixels` [B,K,h,w] and `strength` [1]; outputs `level_0`, `level_1`, ... */
export function buildT2iAdapter(graph: Graph, weights: Weights, shape: AdapterShape): void {
  const adapter = createLayers(graph, weights);
  const pixels = graph.input("pixels", ["B", shape.channels * shape.unshuffle ** 2, "h", "w"]);
  const strength = graph.input("strength", [1]);
  let h = shape.isLight ? pixels : adapter.conv("conv_in", pixels);
  shape.levels.forEach(({ channels }, level) => {
    const isHalved = shape.unshuffle === UNSHUFFLE ? level > 0 : level === WIDE_HALVING_LEVEL;
    h = shape.isLight
      ? extractor(adapter.under(`body.${level}`), h, isHalved)
      : residualBlocks(adapter, h, { level, isHalved });
    const name = `level_${level}`;
    graph.output(name, graph.add("Mul", [h, strength]), ["B", channels, `${name}_h`, `${name}_w`]);
  });
}

/** ResnetBlock */
function residualBlocks(
  adapter: Layers,
  x: Value,
  { level, isHalved }: { readonly level: number; readonly isHalved: boolean },
): Value {
  let h = x;
  for (let index = 0; index < BLOCKS_PER_LEVEL; index++) {
    const block = adapter.under(`body.${level * BLOCKS_PER_LEVEL + index}`);
    if (isHalved && index === 0) {
      h = block.has("down_opt.op.weight")
        ? block.conv("down_opt.op", h, { stride: 2 })
        : halved(block.graph, h);
    }
    if (block.has("in_conv.weight")) h = block.conv("in_conv", h);
    h = twoConvolutions(block, h);
  }
  return h;
}

/** Of the light form. */
function extractor(block: Layers, x: Value, isHalved: boolean): Value {
  let h = block.conv("in_conv", isHalved ? halved(block.graph, x) : x);
  const count = block.count((index) => `body.${index}`);
  for (let index = 0; index < count; index++) h = twoConvolutions(block.under(`body.${index}`), h);
  return block.conv("out_conv", h);
}

function twoConvolutions(block: Layers, x: Value): Value {
  const { graph } = block;
  const h = graph.add("Relu", [block.conv("block1", x)]);
  return graph.add("Add", [x, block.conv("block2", h)]);
}

/** Means of 2 x 2; an odd side gets a line of zeros at both ends first. */
function halved(graph: Graph, x: Value): Value {
  const odd = graph.add("Mod", [shapePart(graph, x, 2, 4), graph.integers([2])]);
  const none = graph.integers([0, 0]);
  const pads = graph.add("Concat", [none, odd, none, odd], { axis: 0 });
  const padded = graph.add("Pad", [x, pads]);
  return graph.add("AveragePool", [padded], { kernel_shape: [2, 2], strides: [2, 2] });
}
