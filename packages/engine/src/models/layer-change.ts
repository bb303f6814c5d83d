import { elementCount, type Tensor, tensor } from "../tensor.ts";

/** What a LoRA file does to one tensor of a layer as a whole: forms that are no low-rank branch beside it. */
export interface LayerChange {
  readonly part: "weight" | "bias";
  /** Of the file's tensors: equal ids, equal changes. */
  readonly id: string;
  /** Whether the tensor may have this shape. */
  fits(shape: readonly number[]): boolean;
  apply(given: Tensor, strength: number): Promise<Tensor>;
}

/** What is added to a tensor, as it would be at strength 1 and scale 1. */
export interface Addition {
  readonly id: string;
  readonly part?: LayerChange["part"];
  readonly scale: number;
  /** DoRA's magnitudes. */
  readonly magnitudes?: Magnitudes | undefined;
  fits(shape: readonly number[]): boolean;
  /** As many numbers as the tensor has. */
  delta(given: Tensor): Promise<Float32Array>;
}

export interface Magnitudes {
  read(): Promise<Float32Array>;
}

/** W + strength scale delta; with magnitudes, W + strength (W' - W) for DoRA's W'. */
export function addition(parts: Addition): LayerChange {
  const { id, part = "weight", scale, magnitudes, fits } = parts;
  return {
    id,
    part,
    fits,
    async apply(given, strength) {
      const delta = await parts.delta(given);
      if (magnitudes === undefined) return plus(given, delta, strength * scale);
      const learnt = plus(given, delta, scale);
      const decomposed = withMagnitudes(given, learnt, await magnitudes.read());
      const moved = decomposed.data.map(
        (value, i) => (given.data[i] ?? 0) + strength * (value - (given.data[i] ?? 0)),
      );
      return tensor(given.shape, moved);
    },
  };
}

/** The tensor itself, whatever the strength. */
export function replacement(id: string, read: () => Promise<Tensor>, count: number): LayerChange {
  return {
    id,
    part: "weight",
    fits: (shape) => elementCount(shape) === count,
    apply: async (given) => tensor(given.shape, (await read()).data),
  };
}

const LEAST_NORM = 2 ** -23;

/**
 * W' times magnitude over norm, output by output or input by input, as many as there are magnitudes. Output norms are the
 * given weight's, input norms the learnt one's, as ComfyUI takes them. Liu et al. 2024, arXiv:2402.09353, eq. 5.
 */
function withMagnitudes(given: Tensor, learnt: Tensor, magnitudes: Float32Array): Tensor {
  const [outputs = 1, inputs = 1, ...kernel] = given.shape;
  const size = elementCount(kernel);
  const isByOutput = magnitudes.length === outputs;
  const source = isByOutput ? given : learnt;
  const place = (i: number) =>
    isByOutput ? Math.floor(i / (inputs * size)) : Math.floor(i / size) % inputs;
  const squares = new Float64Array(isByOutput ? outputs : inputs);
  source.data.forEach((value, i) => {
    squares[place(i)] = (squares[place(i)] ?? 0) + value ** 2;
  });
  const factors = squares.map(
    (square, i) => (magnitudes[i] ?? 0) / (Math.sqrt(square) + LEAST_NORM),
  );
  return tensor(
    given.shape,
    learnt.data.map((value, i) => value * (factors[place(i)] ?? 0)),
  );
}

function plus(given: Tensor, delta: Float32Array, factor: number): Tensor {
  if (delta.length !== given.data.length) {
    throw new RangeError(`${delta.length} numbers are no change of [${given.shape.join(",")}]`);
  }
  return tensor(
    given.shape,
    given.data.map((value, i) => value + factor * (delta[i] ?? 0)),
  );
}
