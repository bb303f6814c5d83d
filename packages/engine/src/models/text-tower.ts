import type { Network, Runtime } from "../ort/runtime.ts";
import { type Tensor, tensor } from "../tensor.ts";
import { clipTokenizer, END_TOKEN } from "../text/clip-tokenizer.ts";
import { emptyRow, type PromptToken, tokenRows } from "../text/token-rows.ts";
import { checkFinite, namedWith } from "./check-finite.ts";
import { buildClipText, clipTextShape } from "./clip-text.ts";
import { textAliases } from "./lora-names.ts";
import type { AppliedLora, Branch, EncodedText, Lora } from "./model.ts";
import { createPatches, strengthFeeds } from "./patches.ts";
import type { ChangedWeights } from "./tensor-recipe.ts";
import type { Weights } from "./weights.ts";

/** CLIP-L, or one of OpenCLIP's towers (H or G). */
export type TowerSlot = "l" | "g";

/** Vectors of a learnt embedding for one tower, each [D]; nothing for a name that no file has. */
export type FindEmbedding = (
  name: string,
  tower: { readonly slot: TowerSlot; readonly width: number },
) => Promise<FoundEmbedding | undefined>;

export type FoundEmbedding =
  | { readonly vectors: readonly Float32Array[] }
  /** Why the file is none for this tower. */
  | { readonly problem: string };

/** How one text tower is built and read. */
export interface TowerKind {
  readonly slot: TowerSlot;
  readonly activation: "quick-gelu" | "gelu";
  /** Fills rows up. */
  readonly padding: number;
  /** The layer whose states are the context, as CLIPSetLastLayer counts. */
  readonly lastLayer: number;
  /** Whether the context gets the final norm. */
  readonly normed: boolean;
  /** Whether the pooled text goes through the text projection. */
  readonly projected: boolean;
}

/** Rows of tokens to states. */
export interface TextTower {
  readonly width: number;
  rows(prompt: string, onRemark?: (remark: string) => void): Promise<readonly TokenRow[]>;
  emptyRow(): TokenRow;
  /** context: [1,77 rows,D]; pooled: [1,P], of the first row. */
  encode(rows: readonly TokenRow[], options: EncodeOptions): Promise<EncodedText>;
  matchLora(lora: Lora): ReadonlySet<string>;
  /** Its tensors with LoRAs worked in. */
  weights(loras: readonly AppliedLora[]): ChangedWeights;
}

export interface EncodeOptions {
  /** As CLIPSetLastLayer counts. @default the kind's */
  readonly lastLayer?: number | undefined;
  readonly loras: readonly AppliedLora[];
  /** The pooled text stays as it is before the text projection. @default false */
  readonly isUnprojected?: boolean | undefined;
}

export type TokenRow = readonly PromptToken[];

const HEAD_WIDTH = 64;

export function createTextTower(
  runtime: Runtime,
  {
    weights: given,
    kind,
    index,
    findEmbedding,
  }: {
    readonly weights: ChangedWeights;
    readonly kind: TowerKind;
    /** First or second tower: LoRA files tell them apart by it. */
    readonly index: number;
    readonly findEmbedding?: FindEmbedding | undefined;
  },
): TextTower {
  const { base } = given;
  const { tokens: length, width, layers } = clipTextShape(base);
  const heads = Number(base.metadata.get("rabbitloom.clip_heads") ?? width / HEAD_WIDTH);
  const padded = { length, padding: kind.padding };
  const tower = { slot: kind.slot, width };
  const name = `the text encoder of ${JSON.stringify(base.name)}`;

  const patches = createPatches(base, textAliases(base, { index, slot: kind.slot }));

  interface Reading {
    readonly weights: Weights;
    readonly lastLayer: number;
    readonly branches?: readonly Branch[];
    readonly isUnprojected?: boolean | undefined;
  }

  function network({ weights, lastLayer, branches = [], isUnprojected = false }: Reading): Network {
    const projected = kind.projected && !isUnprojected;
    const wanted = layers + 1 + lastLayer;
    const used = wanted < 1 ? layers : wanted;
    const ids = branches.map(({ lora }) => lora.id).join();
    return {
      key: `text ${weights.id} ${weights.prefix} ${used} ${kind.normed} ${projected} ${ids}`,
      name,
      build: (graph) =>
        buildClipText(graph, weights, {
          ...kind,
          projected,
          heads,
          layers: used,
          loras: branches.map(({ deltas }) => deltas),
        }),
    };
  }
  runtime.check(network({ weights: base, lastLayer: kind.lastLayer }));

  return {
    width,
    async rows(prompt, onRemark = () => {}) {
      const problems = new Map<string, string>();
      return await tokenRows(prompt, {
        ...padded,
        tokenize: await clipTokenizer(),
        async embedding(wanted) {
          const found = await findEmbedding?.(wanted, tower);
          if (found !== undefined && "vectors" in found) return found.vectors;
          if (found !== undefined) problems.set(wanted, found.problem);
          return undefined;
        },
        onLeftOut: (wanted) => onRemark(problems.get(wanted) ?? notThere(wanted)),
      });
    },
    emptyRow: () => emptyRow(padded),
    matchLora: patches.matched,
    weights: (loras) => patches.workedIn(loras, given),
    async encode(rows, { lastLayer = kind.lastLayer, loras, isUnprojected }) {
      const { branches, weights: changed } = patches.plan(loras, given);
      const weights = await runtime.scratch.located(changed);
      const isWeighted = rows.some((row) => row.some(({ weight }) => weight !== 1));
      const encoded = isWeighted ? [...rows, emptyRow(padded)] : rows;
      const outputs = await runtime.run(network({ weights, lastLayer, branches, isUnprojected }), {
        ...feedsOf(encoded, { length, width }),
        ...strengthFeeds("lora", branches),
      });
      const fullName = namedWith(
        name,
        branches.map(({ lora }) => lora.name),
      );
      const hidden = checkFinite(outputs.get("hidden"), fullName);
      const pooled = checkFinite(outputs.get("pooled"), fullName);
      if (isWeighted) applyWeights(hidden, rows);
      const size = rows.length * length;
      const [, pooledWidth = 0] = pooled.shape;
      return {
        context: tensor([1, size, width], hidden.data.slice(0, size * width)),
        pooled: tensor([1, pooledWidth], pooled.data.slice(0, pooledWidth)),
      };
    },
  };
}

const notThere = (embedding: string) => `There is no embedding ${JSON.stringify(embedding)}.`;

function feedsOf(rows: readonly TokenRow[], { length, width }: { length: number; width: number }) {
  const ids = new BigInt64Array(rows.length * length);
  const given = new Uint8Array(ids.length);
  const vectors = new Float32Array(ids.length * width);
  const selection = new Float32Array(ids.length);
  rows.forEach((row, index) => {
    const start = index * length;
    row.forEach(({ id, vector }, position) => {
      ids[start + position] = BigInt(id);
      if (vector === undefined) return;
      given[start + position] = 1;
      vectors.set(vector, (start + position) * width);
    });
    selection[start + row.findIndex(({ id, vector }) => id === END_TOKEN && !vector)] = 1;
  });
  const batch = rows.length;
  return {
    tokens: { shape: [batch, length], data: ids },
    given: { shape: [batch, length, 1], data: given },
    vectors: { shape: [batch, length, width], data: vectors },
    selection: { shape: [batch, 1, length], data: selection },
  };
}

/** z = (z - e) weight + e, with e the state of the empty prompt (the last of hidden's rows) at the same place. */
function applyWeights(hidden: Tensor, rows: readonly TokenRow[]): void {
  const [, length = 0, width = 0] = hidden.shape;
  const { data } = hidden;
  const emptyStart = rows.length * length * width;
  rows.forEach((row, index) => {
    row.forEach(({ weight }, position) => {
      if (weight === 1) return;
      const at = (index * length + position) * width;
      const emptyAt = emptyStart + position * width;
      for (let i = 0; i < width; i++) {
        const empty = data[emptyAt + i] ?? 0;
        data[at + i] = ((data[at + i] ?? 0) - empty) * weight + empty;
      }
    });
  });
}
