/**
 * The forms that LoRA files have beside the plain low-rank one: LyCORIS's (Yeh et al. 2023, arXiv:2309.14859) and plain
 * differences. Each reader finds its tensors by their names behind the layer's, and says what they do to it.
 */
import { matrixProduct } from "../math/matrix.ts";
import { elementCount, type Tensor } from "../tensor.ts";
import { addition, type LayerChange, type Magnitudes, replacement } from "./layer-change.ts";
import type { LoraDelta } from "./model.ts";
import { boft, oft } from "./orthogonal-forms.ts";
import { readTensor } from "./read-tensor.ts";
import { invalidModel, type TensorEntry } from "./weights.ts";

/** The tensors of one layer in a LoRA file. */
export interface LoraLayer {
  readonly file: string;
  /** Of file and layer. */
  readonly id: string;
  readonly name: string;
  /** By what stands behind the layer's name, with the dot. */
  part(end: string): TensorEntry | undefined;
  readonly alpha?: number | undefined;
  readonly magnitudes?: Magnitudes | undefined;
}

/** By the tensor that shows it. */
const FORMS: readonly (readonly [end: string, read: (layer: LoraLayer) => LayerChange])[] = [
  [".hada_w1_a", hadamard],
  [".lokr_w1", kronecker],
  [".lokr_w1_a", kronecker],
  [".a1.weight", generalized],
  [".oft_blocks", orthogonal],
  [".diff", (layer) => difference(layer, ".diff", "weight")],
  [".diff_b", (layer) => difference(layer, ".diff_b", "bias")],
  [".w_norm", (layer) => difference(layer, ".w_norm", "weight")],
  [".b_norm", (layer) => difference(layer, ".b_norm", "bias")],
  [".set_weight", setWeight],
];

export const FORM_ENDS = FORMS.map(([end]) => end);

/** Everything of a layer but its low-rank branch. */
export function changesOf(layer: LoraLayer): LayerChange[] {
  const found = FORMS.filter(([end]) => layer.part(end) !== undefined);
  const readers = new Set(found.map(([, read]) => read));
  return [...readers].map((read) => read(layer));
}

/** The low-rank form worked into the weight. */
export function lowRankChange(
  id: string,
  { down, up, mid, scale }: LoraDelta,
  magnitudes?: Magnitudes,
): LayerChange {
  const [outputs = 0, rank = 0] = up.shape;
  return addition({
    id: `${id} low-rank`,
    scale,
    magnitudes,
    fits: (shape) => shape[0] === outputs && shape[1] === down.shape[1],
    async delta() {
      const below = await readTensor(down);
      const columns = elementCount(down.shape) / rank;
      if (mid === undefined) {
        const sizes = { rows: outputs, inner: rank, columns };
        return matrixProduct((await readTensor(up)).data, below.data, sizes);
      }
      return tucker(await readTensor(mid), transposed(await readTensor(up)), below);
    },
  });
}

/** LoHa: (w1a w1b) * (w2a w2b), element by element. */
function hadamard(layer: LoraLayer): LayerChange {
  const [a1, b1] = [need(layer, ".hada_w1_a"), need(layer, ".hada_w1_b")];
  const [a2, b2] = [need(layer, ".hada_w2_a"), need(layer, ".hada_w2_b")];
  const [t1, t2] = [layer.part(".hada_t1"), layer.part(".hada_t2")];
  const [rank = 1] = b1.shape;
  const count = t1 === undefined ? (a1.shape[0] ?? 0) * (elementCount(b1.shape) / rank) : undefined;
  return addition({
    id: `${layer.id} hadamard`,
    scale: scaleOf(layer, rank),
    magnitudes: layer.magnitudes,
    fits: (shape) => count === undefined || elementCount(shape) === count,
    async delta() {
      const first = await lowRankProduct(a1, b1, t1);
      const second = await lowRankProduct(a2, b2, t2);
      return first.data.map((value, i) => value * (second.data[i] ?? 0));
    },
  });
}

/** LoKr: the Kronecker product of w1 and w2, each whole or of low rank. */
function kronecker(layer: LoraLayer): LayerChange {
  const [w1, w2] = [layer.part(".lokr_w1"), layer.part(".lokr_w2")];
  const half = (whole: TensorEntry | undefined, name: string) =>
    whole === undefined
      ? { a: need(layer, `.lokr_${name}_a`), b: need(layer, `.lokr_${name}_b`) }
      : { whole };
  const [first, second] = [half(w1, "w1"), half(w2, "w2")];
  const t2 = layer.part(".lokr_t2");
  const rank = (layer.part(".lokr_w2_b") ?? layer.part(".lokr_w1_b"))?.shape[0];
  const read = async ({ whole, a, b }: typeof first, t?: TensorEntry): Promise<Tensor> => {
    if (whole !== undefined) return await readTensor(whole);
    if (a === undefined || b === undefined) throw new Error("a factor is missing");
    return await lowRankProduct(a, b, t);
  };
  return addition({
    id: `${layer.id} kronecker`,
    scale: rank === undefined ? 1 : scaleOf(layer, rank),
    magnitudes: layer.magnitudes,
    fits: () => true,
    delta: async () => kroneckerProduct(await read(first), await read(second, t2)),
  });
}

/** [a,b] and [c,d,...] to [ac,bd,...] */
function kroneckerProduct(one: Tensor, other: Tensor): Float32Array {
  const [a = 1, b = 1] = one.shape;
  const [c = 1, d = 1, ...kernel] = other.shape;
  const size = elementCount(kernel);
  const out = new Float32Array(one.data.length * other.data.length);
  for (let i = 0; i < out.length; i++) {
    const within = i % size;
    const column = Math.floor(i / size) % (b * d);
    const row = Math.floor(i / (size * b * d));
    const left = one.data[Math.floor(row / c) * b + Math.floor(column / d)] ?? 0;
    out[i] = left * (other.data[((row % c) * d + (column % d)) * size + within] ?? 0);
  }
  if (out.length !== a * c * b * d * size) throw new RangeError("the factors do not fit");
  return out;
}

/** GLoRA: W a + b, in the two orders that its matrices were written in. Chavan et al. 2023, arXiv:2306.07967. */
function generalized(layer: LoraLayer): LayerChange {
  const [a1, a2] = [need(layer, ".a1.weight"), need(layer, ".a2.weight")];
  const [b1, b2] = [need(layer, ".b1.weight"), need(layer, ".b2.weight")];
  const [a1Rows = 0, a1Columns = 0] = a1.shape;
  const isFirstOrder = b2.shape[1] === b1.shape[0] && a1Rows === b1.shape[0];
  const isSecondOrder = b2.shape[0] === b1.shape[1] && a1Columns === b1.shape[1];
  const outputs = isSecondOrder ? b1.shape[0] : b2.shape[0];
  const isOld = (shape: readonly number[]) =>
    isFirstOrder && (!isSecondOrder || (a2.shape[0] === shape[0] && shape[0] === shape[1]));
  const rankOf = (shape: readonly number[]) => (isOld(shape) ? a1Rows : (a2.shape[0] ?? 1));
  return addition({
    id: `${layer.id} generalized`,
    scale: 1,
    magnitudes: layer.magnitudes,
    fits: (shape) => shape[0] === outputs,
    async delta(given) {
      const [rows = 1, inputs = 1, ...kernel] = given.shape;
      const columns = inputs * elementCount(kernel);
      const inner = rankOf(given.shape);
      const [ma1, ma2, mb1, mb2] = [
        (await readTensor(a1)).data,
        (await readTensor(a2)).data,
        (await readTensor(b1)).data,
        (await readTensor(b2)).data,
      ];
      const old = isOld(given.shape);
      const [left, right] = old ? [mb2, mb1] : [mb1, mb2];
      const sum = matrixProduct(left, right, { rows, inner, columns });
      const [into, outOf] = old ? [ma2, ma1] : [ma1, ma2];
      const turned = old
        ? timesMatrices(given.data, [into, outOf], { rows, inputs: columns, inner, size: 1 })
        : timesMatrices(given.data, [into, outOf], {
            rows,
            inputs,
            inner,
            size: elementCount(kernel),
          });
      const scale = scaleOf(layer, inner);
      return sum.map((value, i) => scale * (value + (turned[i] ?? 0)));
    },
  });
}

/** W a b over W's inputs. weight: [rows,inputs,size], a: [inputs,inner], b: [inner,inputs] */
function timesMatrices(
  weight: Float32Array,
  [a, b]: readonly [Float32Array, Float32Array],
  { rows, inputs, inner, size }: { rows: number; inputs: number; inner: number; size: number },
): Float32Array {
  const both = matrixProduct(a, b, { rows: inputs, inner, columns: inputs });
  const out = new Float32Array(weight.length);
  for (let row = 0; row < rows; row++) {
    for (let from = 0; from < inputs; from++) {
      for (let to = 0; to < inputs; to++) {
        const factor = both[from * inputs + to] ?? 0;
        for (let k = 0; k < size; k++) {
          const at = (row * inputs + to) * size + k;
          out[at] = (out[at] ?? 0) + factor * (weight[(row * inputs + from) * size + k] ?? 0);
        }
      }
    }
  }
  return out;
}

function orthogonal(layer: LoraLayer): LayerChange {
  const blocks = need(layer, ".oft_blocks");
  const parts = {
    id: `${layer.id} orthogonal`,
    blocks,
    bound: layer.alpha ?? 0,
    rescale: layer.part(".rescale"),
    magnitudes: layer.magnitudes,
  };
  return blocks.shape.length === 4 ? boft(parts) : oft(parts);
}

function difference(layer: LoraLayer, end: string, part: LayerChange["part"]): LayerChange {
  const entry = need(layer, end);
  return addition({
    id: `${layer.id} ${end}`,
    part,
    scale: 1,
    fits: (shape) => elementCount(shape) === elementCount(entry.shape),
    delta: async () => (await readTensor(entry)).data,
  });
}

function setWeight(layer: LoraLayer): LayerChange {
  const entry = need(layer, ".set_weight");
  return replacement(`${layer.id} set`, () => readTensor(entry), elementCount(entry.shape));
}

/** a b, or with a core t the product in three. */
async function lowRankProduct(
  a: TensorEntry,
  b: TensorEntry,
  t: TensorEntry | undefined,
): Promise<Tensor> {
  const [first, second] = [await readTensor(a), await readTensor(b)];
  if (t !== undefined) {
    const core = await readTensor(t);
    const [, inputs = 0] = second.shape;
    const [, outputs = 0] = first.shape;
    const data = tucker(core, first, second);
    return { shape: [outputs, inputs, ...core.shape.slice(2)], data };
  }
  const [rows = 0, inner = 0] = first.shape;
  const columns = second.data.length / inner;
  const data = matrixProduct(first.data, second.data, { rows, inner, columns });
  return { shape: [rows, ...second.shape.slice(1)], data };
}

/** sum over i and j of core[i,j,...] a[i,p] b[j,r]: [p,r,...] */
function tucker(core: Tensor, a: Tensor, b: Tensor): Float32Array {
  const [is = 0, js = 0, ...kernel] = core.shape;
  const size = elementCount(kernel);
  const outputs = a.data.length / is;
  const inputs = b.data.length / js;
  // [j,r] with core's [i,j,k] to [i,r,k], then with [i,p] to [p,r,k].
  const middle = new Float32Array(is * inputs * size);
  for (let i = 0; i < is; i++) {
    for (let j = 0; j < js; j++) {
      for (let r = 0; r < inputs; r++) {
        const factor = b.data[j * inputs + r] ?? 0;
        for (let k = 0; k < size; k++) {
          const at = (i * inputs + r) * size + k;
          middle[at] = (middle[at] ?? 0) + factor * (core.data[(i * js + j) * size + k] ?? 0);
        }
      }
    }
  }
  const turned = transposed({ shape: [is, outputs], data: a.data });
  return matrixProduct(turned.data, middle, { rows: outputs, inner: is, columns: inputs * size });
}

function transposed({ shape, data }: Tensor): Tensor {
  const [rows = 0] = shape;
  const columns = data.length / rows;
  const turned = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)] ?? 0);
  return { shape: [columns, rows], data: turned };
}

function scaleOf({ alpha }: LoraLayer, rank: number): number {
  return alpha === undefined ? 1 : alpha / rank;
}

function need(layer: LoraLayer, end: string): TensorEntry {
  const entry = layer.part(end);
  if (entry === undefined) {
    throw invalidModel(layer.file, `layer "${layer.name}" lacks "${layer.name}${end}"`);
  }
  return entry;
}
