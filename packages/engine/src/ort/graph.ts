import path from "node:path";
import type { TensorEntry } from "../models/weights.ts";
import { elementCount } from "../tensor.ts";
import {
  type ElementType,
  type ExternalBytes,
  encodeModel,
  type OnnxAttributes,
  type OnnxInitializer,
  type OnnxNode,
  type OnnxSocket,
} from "./onnx-model.ts";
import type { ByteType, OperatorChoice } from "./operators.ts";

/** The name of what a node of the graph puts out. */
export type Value = string;

/** Collects the nodes of one network. Activations have the provider's compute type, inputs and outputs are F32. */
export interface Graph {
  readonly choice: OperatorChoice;
  /** Adds a node with one output. */
  add(
    operator: string,
    inputs: readonly Value[],
    attributes?: OnnxAttributes,
    domain?: "" | "com.microsoft",
  ): Value;
  /** Numbers arrive in the compute type; `raw` leaves them F32. */
  input(name: string, shape: OnnxSocket["shape"], options?: InputOptions): Value;
  output(name: string, value: Value, shape: OnnxSocket["shape"]): void;
  /** Numbers in the graph itself, in the compute type; `raw` leaves them F32. */
  constant(values: Iterable<number>, shape: readonly number[], options?: Raw): Value;
  /** Shapes and indices. */
  integers(values: readonly number[]): Value;
  /** A checkpoint's tensor, where it lies in its file, in the compute type; `raw` leaves it in the file's. */
  weight(entry: TensorEntry, options?: Raw): Value;
  /** Activations in 8 bits: the bytes; scale and zero point are under the same name with `_scale` and `_zero` behind it. */
  quantize(value: Value): Value;
  /** A weight as a matrix in 8 bits, of the choice's type. */
  quantized(entry: TensorEntry): QuantizedValue;
  /** A value converted to the compute type, unless it is known to have it. */
  computed(value: Value): Value;
  /** `make`'s result the first time, the same value from then on. */
  once(key: string, make: () => Value): Value;
  /** Of all weights in use, as they are computed with. */
  readonly weightBytes: number;
  /** Whether a weight is stored in another type than it is computed in. */
  readonly castsWeights: boolean;
  /** The weights that have to be quantized before the graph can be encoded. */
  readonly quantizedWeights: readonly QuantizedWeight[];
  /** `located`: where the quantized weights are, by name. */
  encode(located?: ReadonlyMap<string, LocatedMatrix>): Uint8Array;
}

/** Weight row n is column n of `values` [K,N] less `zero`, times scales[n]. */
export interface QuantizedValue {
  readonly values: Value;
  readonly scales: Value;
  readonly zero: Value;
}

export interface QuantizedWeight {
  readonly name: string;
  readonly entry: TensorEntry;
  readonly type: ByteType;
}

export interface LocatedMatrix {
  readonly values: ExternalBytes;
  readonly scales: ExternalBytes;
}

interface Raw {
  readonly raw?: boolean;
}

interface InputOptions extends Raw {
  /** @default "F32" */
  readonly type?: "F32" | "I64" | "BOOL";
}

/** Locations of weights are told relative to it, so that one network can draw on files of several folders. */
export const WEIGHTS_ROOT = path.parse(process.cwd()).root;

/** GroupNormalization computes its statistics in F32 from opset 21 on. */
const OPERATOR_SETS = { "": 21, "com.microsoft": 1 };

export function createGraph(choice: OperatorChoice): Graph {
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxInitializer>();
  const inputs: OnnxSocket[] = [];
  const outputs: OnnxSocket[] = [];
  const values = new Map<string, Value>();
  const quantized = new Map<string, QuantizedWeight>();
  let weightBytes = 0;
  let castsWeights = false;

  const graph: Graph = {
    choice,
    add(operator, from, attributes = {}, domain = "") {
      const name = `${operator}_${nodes.length}`;
      nodes.push({ operator, domain, inputs: from, outputs: [name], attributes });
      return name;
    },
    input(name, shape, { type = "F32", raw = type !== "F32" } = {}) {
      inputs.push({ name, type, shape });
      return raw ? name : graph.computed(name);
    },
    output(name, value, shape) {
      nodes.push({
        operator: choice.compute === "F32" ? "Identity" : "Cast",
        domain: "",
        inputs: [value],
        outputs: [name],
        attributes: choice.compute === "F32" ? {} : { to: CAST_TARGETS.F32 },
      });
      outputs.push({ name, type: "F32", shape });
    },
    constant(numbers, shape, { raw = false } = {}) {
      const data = Float32Array.from(numbers);
      const name = `constant_${initializers.size}`;
      initializers.set(name, { name, type: "F32", shape, data: bytesOf(data) });
      return raw ? name : graph.computed(name);
    },
    integers: (numbers) =>
      graph.once(`integers ${numbers.join()}`, () => {
        const name = `integers_${initializers.size}`;
        const data = bytesOf(BigInt64Array.from(numbers, BigInt));
        initializers.set(name, { name, type: "I64", shape: [numbers.length], data });
        return name;
      }),
    weight(entry, { raw = false } = {}) {
      const { plus, ...own } = entry;
      if (plus !== undefined) {
        return graph.once(`sum of ${weightName(own)} and ${weightName(plus)}`, () =>
          graph.add("Add", [graph.weight(own), graph.weight(plus)]),
        );
      }
      const { type, shape, location, offset, length } = entry;
      const name = weightName(entry);
      if (!initializers.has(name)) {
        const data = { location: path.relative(WEIGHTS_ROOT, location), offset, length };
        initializers.set(name, { name, type, shape, data });
        weightBytes += elementCount(shape) * ELEMENT_BYTES[choice.compute];
      }
      if (raw || type === choice.compute) return name;
      castsWeights = true;
      return graph.computed(name);
    },
    quantize(value) {
      const name = `bytes_${nodes.length}`;
      const outputs = [name, `${name}_scale`, `${name}_zero`];
      const operator = "DynamicQuantizeLinear";
      nodes.push({ operator, domain: "", inputs: [value], outputs, attributes: {} });
      return name;
    },
    quantized(entry) {
      const type = choice.byteWeights ?? "U8";
      const name = `${type} ${entry.location}@${entry.offset}+${entry.length}`;
      if (!quantized.has(name)) weightBytes += elementCount(entry.shape);
      quantized.set(name, { name, entry, type });
      const zero = graph.once(`zero of ${type}`, () => {
        const data = Uint8Array.of(ZERO_POINTS[type]);
        initializers.set(`zero ${type}`, { name: `zero ${type}`, type, shape: [], data });
        return `zero ${type}`;
      });
      return { values: name, scales: `${name} scales`, zero };
    },
    computed(value) {
      const socketType = inputs.find(({ name }) => name === value)?.type;
      const type = initializers.get(value)?.type ?? socketType;
      if (type === choice.compute) return value;
      return graph.once(`computed ${value}`, () =>
        graph.add("Cast", [value], { to: CAST_TARGETS[choice.compute] }),
      );
    },
    once(key, make) {
      const known = values.get(key) ?? make();
      values.set(key, known);
      return known;
    },
    get weightBytes() {
      return weightBytes;
    },
    get castsWeights() {
      return castsWeights;
    },
    get quantizedWeights() {
      return [...quantized.values()];
    },
    encode: (located = new Map()) =>
      encodeModel({
        operatorSets: OPERATOR_SETS,
        nodes,
        initializers: [
          ...initializers.values(),
          ...[...quantized.values()].flatMap((weight) => quantizedInitializers(weight, located)),
        ],
        inputs,
        outputs,
      }),
  };
  return graph;
}

/** The byte that stands for 0. */
export const ZERO_POINTS: Readonly<Record<ByteType, number>> = { I8: 0, U8: 128 };

/** What a weight takes as it is computed with. */
export const ELEMENT_BYTES = { F32: 4, F16: 2 };

function quantizedInitializers(
  { name, entry, type }: QuantizedWeight,
  located: ReadonlyMap<string, LocatedMatrix>,
): OnnxInitializer[] {
  const matrix = located.get(name);
  if (matrix === undefined) throw new Error(`${name} has not been quantized`);
  const [rows = 0] = entry.shape;
  const shape = [elementCount(entry.shape) / rows, rows];
  return [
    { name, type, shape, data: matrix.values },
    { name: `${name} scales`, type: "F32", shape: [rows], data: matrix.scales },
  ];
}

function weightName({ location, offset, length, shape }: TensorEntry): string {
  return `${location}@${offset}+${length}[${shape.join()}]`;
}

const CAST_TARGETS = { F32: 1, F16: 10 } as const satisfies Partial<Record<ElementType, number>>;

function bytesOf(data: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
