import { resizeSmoothly } from "../image/resize.ts";
import { roundHalfEven } from "../image/rounding.ts";
import type { Network, Runtime } from "../ort/runtime.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { checkFinite } from "./check-finite.ts";
import { buildClipVision, type ClipVisionOptions, clipVisionShape } from "./clip-vision.ts";
import { openWeights } from "./open-weights.ts";
import { withHuggingFaceVisionNames } from "./openclip-names.ts";
import { unknownFile } from "./unknown-file.ts";
import { invalidModel, type Weights, weightsUnder } from "./weights.ts";
import { tokensWorkingBytes } from "./working-memory.ts";

/** A CLIP_VISION: pictures to what CLIP makes of them. */
export interface VisionEncoder {
  readonly family: string;
  /** IMAGE [B,H,W,C]; "center" sees the middle square, "none" all of it, squeezed. */
  encode(image: Tensor, crop: "center" | "none"): Promise<SeenPicture>;
}

/** A CLIP_VISION_OUTPUT. */
export interface SeenPicture {
  /** [B,P] */
  readonly embedding: Tensor;
  /** Behind the last layer, [B,N,D]. */
  readonly last: Tensor;
  /** Behind the one before. */
  readonly penultimate: Tensor;
}

/** By depth. */
const TOWERS = [
  { layers: 48, label: "OpenCLIP bigG", activation: "gelu" },
  { layers: 32, label: "OpenCLIP H", activation: "gelu" },
  { layers: 24, label: "CLIP L", activation: "quick-gelu" },
] as const satisfies readonly {
  layers: number;
  label: string;
  activation: ClipVisionOptions["activation"];
}[];
const HEADS = 16;

/** Where checkpoints keep a vision tower. */
const CHECKPOINT_PREFIXES = [
  "embedder.model.visual.",
  "cond_stage_model.model.visual.",
  "conditioner.embedders.0.open_clip.model.visual.",
];
const OPEN_CLIP = "class_embedding";
const HUGGING_FACE = "vision_model.embeddings.class_embedding";

/** A file with a vision tower alone. Throws MODEL_INVALID for other files. */
export async function loadVisionEncoder(runtime: Runtime, file: string): Promise<VisionEncoder> {
  const weights = await openWeights(file);
  const tower = findTower(weights, ["", "visual."]);
  if (tower === undefined) throw unknownFile(weights, "a CLIP vision tower");
  return createVisionEncoder(runtime, tower);
}

/** The vision tower of a checkpoint; nothing where it has none. */
export async function loadCheckpointVision(
  runtime: Runtime,
  file: string,
): Promise<VisionEncoder | undefined> {
  const tower = findTower(await openWeights(file), CHECKPOINT_PREFIXES);
  return tower === undefined ? undefined : createVisionEncoder(runtime, tower);
}

export function missingVisionEncoder(file: string): VisionEncoder {
  const encode = () =>
    Promise.reject(invalidModel(file, "it holds no vision tower; load one with CLIPVisionLoader"));
  return { family: "no vision tower", encode };
}

function findTower(file: Weights, prefixes: readonly string[]): Weights | undefined {
  for (const prefix of prefixes) {
    const under = weightsUnder(file, prefix);
    if (under.tensors.has(HUGGING_FACE)) return under;
    if (under.tensors.has(OPEN_CLIP)) return withHuggingFaceVisionNames(under);
  }
  return undefined;
}

function createVisionEncoder(runtime: Runtime, weights: Weights): VisionEncoder {
  const { side, layers, tokens, width } = clipVisionShape(weights);
  const { label, activation } = towerKind(weights, layers);
  const heads = Number(weights.metadata.get("rabbitloom.vision_heads") ?? HEADS);
  const network: Network = {
    key: `vision ${weights.id} ${weights.prefix}`,
    name: `the vision tower of ${JSON.stringify(weights.name)}`,
    workingBytes: ({ pixels }) => tokensWorkingBytes((pixels?.shape[0] ?? 0) * tokens, width),
    build: (graph) => buildClipVision(graph, weights, { heads, activation }),
  };
  runtime.check(network);
  return {
    family: label,
    async encode(image, crop) {
      const outputs = await runtime.run(network, { pixels: clipPixels(image, { side, crop }) });
      const [embedding, last, penultimate] = ["embedding", "last", "penultimate"].map((output) =>
        checkFinite(outputs.get(output), network.name),
      );
      if (embedding === undefined || last === undefined || penultimate === undefined) {
        throw new Error(`${network.name} put out less than three values`);
      }
      return { embedding, last, penultimate };
    },
  };
}

/** A tower of one's own says in its metadata what it is like. */
function towerKind(weights: Weights, layers: number): (typeof TOWERS)[number] {
  const named = weights.metadata.get("rabbitloom.vision_tower");
  const found = TOWERS.find(({ label, layers: known }) => named === label || known === layers);
  if (found !== undefined && !weights.tensors.has("vision_model.head.probe")) return found;
  const known = TOWERS.map(({ label, layers }) => `${label} (${layers})`).join(", ");
  throw invalidModel(
    weights.name,
    `its vision tower has ${layers} layers; those known are ${known}`,
  );
}

/** Of the pictures that CLIP was trained on. */
const MEAN = [0.48145466, 0.4578275, 0.40821073];
const DEVIATION = [0.26862954, 0.26130258, 0.27577711];
const BYTE = 255;

/** IMAGE [B,H,W,C] at the side that a tower sees, rounded to bytes and normalized; returns [B,3,S,S]. */
export function clipPixels(
  image: Tensor,
  { side, crop }: { readonly side: number; readonly crop: "center" | "none" },
): Tensor {
  const sized = squared(image, side, crop);
  const [batch = 0, height = 0, width = 0, channels = 0] = sized.shape;
  const out = tensor([batch, MEAN.length, side, side]);
  const [top, left] = [Math.floor((height - side) / 2), Math.floor((width - side) / 2)];
  for (let i = 0; i < out.data.length; i++) {
    const x = i % side;
    const y = Math.floor(i / side) % side;
    const c = Math.floor(i / side / side) % MEAN.length;
    const b = Math.floor(i / side / side / MEAN.length);
    const at = ((b * height + top + y) * width + left + x) * channels + Math.min(c, channels - 1);
    const byte = roundHalfEven(Math.min(Math.max(BYTE * (sized.data[at] ?? 0), 0), BYTE));
    out.data[i] = (byte / BYTE - (MEAN[c] ?? 0)) / (DEVIATION[c] ?? 1);
  }
  return out;
}

function squared(image: Tensor, side: number, crop: "center" | "none"): Tensor {
  const [, height = 1, width = 1] = image.shape;
  if (height === side && width === side) return image;
  if (crop === "none") return resizeSmoothly(image, { width: side, height: side });
  const scale = side / Math.min(height, width);
  return resizeSmoothly(image, {
    width: roundHalfEven(scale * width),
    height: roundHalfEven(scale * height),
  });
}
