import type { Network, Runtime } from "../ort/runtime.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { boxWaves, buildPositionNet, gligenShape, MAX_OBJECTS } from "./gligen.ts";
import { openWeights } from "./open-weights.ts";
import { unknownFile } from "./unknown-file.ts";
import { invalidModel, type TensorEntry, type Weights } from "./weights.ts";
import { tokensWorkingBytes } from "./working-memory.ts";

/** A GLIGEN: layers for a UNet, and how texts and boxes become tokens for them. */
export interface Gligen {
  readonly name: string;
  /** Of a text's embedding. */
  readonly textWidth: number;
  /** At most so many boxes. For a latent of this size. */
  place(boxes: readonly GligenBox[], size: LatentSize): Promise<PlacedObjects>;
}

/** A text for a rectangle, in latent pixels. */
export interface GligenBox {
  /** [1,T] */
  readonly embedding: Tensor;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** What a conditioning carries. */
export interface GligenBoxes {
  readonly gligen: Gligen;
  readonly boxes: readonly GligenBox[];
}

/** What a UNet is given. */
export interface PlacedObjects {
  /** By block and, behind it, "fuser". */
  readonly layers: Weights;
  /** [1,O,D] */
  readonly tokens: Tensor;
}

interface LatentSize {
  readonly width: number;
  readonly height: number;
}

const FUSER = /(?:^|\.)((?:input|output)_blocks\.\d+|middle_block)\..*\.fuser\.(.+)$/;

/** Throws MODEL_INVALID for files of another kind. */
export async function loadGligen(runtime: Runtime, file: string): Promise<Gligen> {
  const weights = await openWeights(file);
  const layers = fusersOf(weights);
  if (layers.tensors.size === 0 || !weights.tensors.has("position_net.null_positive_feature")) {
    throw unknownFile(weights, "a GLIGEN");
  }
  const { textWidth, tokenWidth } = gligenShape(weights);
  const network: Network = {
    key: `gligen ${weights.id}`,
    name: `the position net of ${JSON.stringify(weights.name)}`,
    workingBytes: () => tokensWorkingBytes(MAX_OBJECTS, Math.max(textWidth, tokenWidth)),
    build: (graph) => buildPositionNet(graph, weights),
  };
  runtime.check(network);
  return {
    name: weights.name,
    textWidth,
    async place(boxes, size) {
      if (boxes.length > MAX_OBJECTS) {
        throw invalidModel(
          weights.name,
          `it has places for ${MAX_OBJECTS} texts with boxes, got ${boxes.length}`,
        );
      }
      const outputs = await runtime.run(network, feedsOf(boxes, { size, textWidth }));
      return { layers, tokens: checkFinite(outputs.get("objects"), network.name) };
    },
  };
}

function fusersOf(weights: Weights): Weights {
  const tensors = new Map<string, TensorEntry>();
  for (const [key, entry] of weights.tensors) {
    const [, block, rest] = FUSER.exec(key) ?? [];
    if (block !== undefined) tensors.set(`${block}.fuser.${rest}`, entry);
    else if (key.startsWith("position_net.")) tensors.set(key, entry);
  }
  return { ...weights, tensors };
}

function feedsOf(
  boxes: readonly GligenBox[],
  { size, textWidth }: { readonly size: LatentSize; readonly textWidth: number },
): Record<string, Tensor> {
  const waves = boxes.map(({ x, y, width, height }) =>
    boxWaves([
      x / size.width,
      y / size.height,
      (x + width) / size.width,
      (y + height) / size.height,
    ]),
  );
  const boxWidth = boxWaves([0, 0, 0, 0]).length;
  const feeds = {
    texts: tensor([1, MAX_OBJECTS, textWidth]),
    boxes: tensor([1, MAX_OBJECTS, boxWidth]),
    taken: tensor([1, MAX_OBJECTS, 1]),
  };
  boxes.forEach(({ embedding }, index) => {
    feeds.texts.data.set(embedding.data, index * textWidth);
    feeds.boxes.data.set(waves[index] ?? [], index * boxWidth);
    feeds.taken.data[index] = 1;
  });
  return feeds;
}
