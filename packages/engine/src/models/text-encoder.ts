import type { Runtime } from "../ort/runtime.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { END_TOKEN } from "../text/clip-tokenizer.ts";
import type { EncodedText, Prompt, TextEncoder, TextNetwork } from "./model.ts";
import { type ChangedWeights, unchanged } from "./tensor-recipe.ts";
import {
  createTextTower,
  type FindEmbedding,
  type TextTower,
  type TokenRow,
  type TowerKind,
  type TowerSlot,
} from "./text-tower.ts";
import type { Weights } from "./weights.ts";

interface TextFamily {
  readonly label: string;
  /** Their states stand side by side in the context; the last one's pooled text is taken. */
  readonly towers: readonly TowerKind[];
}

const CLIP_L = {
  slot: "l",
  activation: "quick-gelu",
  padding: END_TOKEN,
  projected: false,
} as const;
const OPEN_CLIP = { slot: "g", activation: "gelu", padding: 0, projected: true } as const;

export const textFamilies = {
  sd1: {
    label: "CLIP-L, as in Stable Diffusion 1.x",
    towers: [{ ...CLIP_L, lastLayer: -1, normed: true }],
  },
  sd2: {
    label: "OpenCLIP-H, as in Stable Diffusion 2.x",
    towers: [{ ...OPEN_CLIP, lastLayer: -2, normed: true }],
  },
  sdxl: {
    label: "CLIP-L and OpenCLIP-G, as in Stable Diffusion XL",
    towers: [
      { ...CLIP_L, lastLayer: -2, normed: false },
      { ...OPEN_CLIP, lastLayer: -2, normed: false },
    ],
  },
  "sdxl-refiner": {
    label: "OpenCLIP-G, as in Stable Diffusion XL's refiner",
    towers: [{ ...OPEN_CLIP, lastLayer: -2, normed: false }],
  },
} as const satisfies Record<string, TextFamily>;

export type TextFamilyName = keyof typeof textFamilies;

export interface TextEncoderParts {
  readonly family: TextFamilyName;
  /** Under Hugging Face's names, in the order of the family's towers. */
  readonly towers: readonly Weights[];
  readonly findEmbedding?: FindEmbedding | undefined;
}

export function createTextEncoder(runtime: Runtime, parts: TextEncoderParts): TextEncoder {
  return { loras: [], network: createNetwork(runtime, parts, parts.towers.map(unchanged)) };
}

function createNetwork(
  runtime: Runtime,
  parts: TextEncoderParts,
  weightsOf: readonly ChangedWeights[],
): TextNetwork {
  const family: TextFamily = textFamilies[parts.family];
  const towers = family.towers.map((kind, index) => {
    const weights = weightsOf[index];
    if (weights === undefined)
      throw new Error(`${family.label} has ${family.towers.length} towers`);
    const { findEmbedding } = parts;
    return { kind, tower: createTextTower(runtime, { weights, kind, index, findEmbedding }) };
  });

  return {
    family: family.label,
    matchLora: (lora) => new Set(towers.flatMap(({ tower }) => [...tower.matchLora(lora)])),
    async encode(prompt, { lastLayer, loras, isUnprojected, onRemark }) {
      const rows = await Promise.all(
        towers.map(({ kind, tower }) => tower.rows(textFor(prompt, kind.slot), onRemark)),
      );
      const encoded: EncodedText[] = [];
      for (const [index, { tower }] of towers.entries()) {
        const own = rows[index] ?? [];
        const padded = typeof prompt === "string" ? own : padRows(own, rows, tower);
        encoded.push(await tower.encode(padded, { lastLayer, loras, isUnprojected }));
      }
      const [first, last] = [encoded[0], encoded.at(-1)];
      if (first === undefined || last === undefined) throw new Error("there is no text tower");
      const context = encoded.length === 1 ? first.context : sideBySide(encoded);
      return { context, pooled: last.pooled };
    },
    source: {
      family: parts.family,
      weights: (loras) => towers.map(({ tower }) => tower.weights(loras)),
      with: (weights) => createNetwork(runtime, parts, weights),
    },
  };
}

function textFor(prompt: Prompt, slot: TowerSlot): string {
  return typeof prompt === "string" ? prompt : prompt[slot];
}

/** Two texts of their own may need different numbers of rows: the shorter gets empty prompts. */
function padRows(
  own: readonly TokenRow[],
  all: readonly (readonly TokenRow[])[],
  tower: TextTower,
): readonly TokenRow[] {
  const longest = Math.max(...all.map(({ length }) => length));
  return [...own, ...Array.from({ length: longest - own.length }, () => tower.emptyRow())];
}

/** Contexts [1,L,D] joined to [1,L,sum of D], as long as the shortest. */
function sideBySide(encoded: readonly EncodedText[]): Tensor {
  const contexts = encoded.map(({ context }) => context);
  const length = Math.min(...contexts.map(({ shape }) => shape[1] ?? 0));
  const width = contexts.reduce((sum, { shape }) => sum + (shape[2] ?? 0), 0);
  const joined = tensor([1, length, width]);
  let start = 0;
  for (const { shape, data } of contexts) {
    const own = shape[2] ?? 0;
    for (let l = 0; l < length; l++) {
      joined.data.set(data.subarray(l * own, (l + 1) * own), l * width + start);
    }
    start += own;
  }
  return joined;
}
