/**
 * Linear layers and convolutions in 8 bits. Weights have a scale for each output; activations are scaled as a whole, by
 * what a run finds in them, so that nothing has to be calibrated. ONNX Runtime 1.30's own convolutions do not serve on the
 * CPU: ConvInteger is slower than this on every size that was measured, QLinearConv wants to be told its output's scale
 * beforehand.
 */
import type { Graph, Value } from "../ort/graph.ts";
import type { TensorEntry } from "./weights.ts";

/** Numbers as unsigned bytes: (byte - zero) scale. */
interface QuantizedActivations {
  readonly bytes: Value;
  readonly scale: Value;
  readonly zero: Value;
}

/** The end of a dimension, whatever its size. */
const TO_THE_END = 2 ** 31 - 1;
/** The first and the last convolution of a UNet have 4 channels on one side. */
const FEWEST_CHANNELS = 32;

export function isWorthQuantizing(graph: Graph, { shape }: TensorEntry): boolean {
  const [outputs = 0, inputs = 0] = shape;
  return graph.choice.byteWeights !== undefined && Math.min(outputs, inputs) >= FEWEST_CHANNELS;
}

/** The layers that read one value share its bytes. */
export function quantizedOnce(graph: Graph, x: Value): QuantizedActivations {
  const bytes = graph.once(`bytes of ${x}`, () => graph.quantize(x));
  return { bytes, scale: `${bytes}_scale`, zero: `${bytes}_zero` };
}

/** x: [...,K]; weight: [N,...], K in each row; returns [...,N]. */
export function quantizedProduct(
  graph: Graph,
  { bytes, scale, zero }: QuantizedActivations,
  { weight, bias }: { readonly weight: TensorEntry; readonly bias: readonly Value[] },
): Value {
  const { values, scales, zero: weightZero } = graph.quantized(weight);
  const inputs = [bytes, values, scale, scales, zero, weightZero, ...bias];
  return graph.add("MatMulIntegerToFloat", inputs, {}, "com.microsoft");
}

/**
 * A convolution as one product: the pixels under each position of the kernel side by side, in the order [kh,kw,C] that
 * quantized kernels have. x: [B,C,H,W]; weight: [N,C,kh,kw]; returns [B,N,h,w].
 */
export function quantizedConv(graph: Graph, x: Value, options: QuantizedConvOptions): Value {
  const { weight, bias, stride, pads } = options;
  const [, , height = 1, width = 1] = weight.shape;
  const { bytes, scale, zero } = quantizedOnce(graph, x);
  const pixels = graph.once(`pixels of ${bytes}`, () =>
    graph.add("Transpose", [bytes], { perm: [0, 2, 3, 1] }),
  );
  const columns = graph.once(`columns ${height} ${width} ${stride} ${pads} of ${bytes}`, () => {
    const padded = pads.some((size) => size > 0)
      ? padPixels(graph, pixels, { pads, zero })
      : pixels;
    const parts: Value[] = [];
    for (let row = 0; row < height; row++) {
      for (let column = 0; column < width; column++) {
        const ends = [row + 1 - height, column + 1 - width].map((end) => end || TO_THE_END);
        const bounds = [[row, column], ends, [1, 2], [stride, stride]];
        parts.push(graph.add("Slice", [padded, ...bounds.map(graph.integers)]));
      }
    }
    return parts.length === 1 && parts[0] !== undefined
      ? parts[0]
      : graph.add("Concat", parts, { axis: 3 });
  });
  const product = quantizedProduct(graph, { bytes: columns, scale, zero }, { weight, bias });
  return graph.add("Transpose", [product], { perm: [0, 3, 1, 2] });
}

export interface QuantizedConvOptions {
  readonly weight: TensorEntry;
  readonly bias: readonly Value[];
  readonly stride: number;
  /** Top, left, bottom, right. */
  readonly pads: readonly number[];
}

/** pixels: [B,H,W,C] */
function padPixels(
  graph: Graph,
  pixels: Value,
  { pads, zero }: { readonly pads: readonly number[]; readonly zero: Value },
): Value {
  const [top = 0, left = 0, bottom = 0, right = 0] = pads;
  const around = graph.integers([0, top, left, 0, 0, bottom, right, 0]);
  return graph.add("Pad", [pixels, around, zero]);
}
