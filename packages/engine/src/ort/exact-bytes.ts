import { createGraph, ZERO_POINTS } from "./graph.ts";
import { elementTypes } from "./onnx-model.ts";
import { type ByteType, operatorChoices } from "./operators.ts";
import { openSession } from "./session.ts";

/** Enough for any kernel to add up several products at once. */
const SIZE = 64;
const LARGEST_ACTIVATION = 255;
const LARGEST_WEIGHT = 127;

/**
 * The type of weights in 8 bits whose products this processor adds up exactly. Signed ones are faster where it has VNNI;
 * x86 processors without add two products in 16 bits, which 255 x 127 x 2 does not fit. ONNX Runtime does not say which
 * way it goes, so the largest product is tried.
 */
export async function exactByteWeights(): Promise<ByteType> {
  return (await addsUpExactly("I8")) ? "I8" : "U8";
}

/** Whether sums of the largest products are right. */
export async function addsUpExactly(type: ByteType): Promise<boolean> {
  const graph = createGraph(operatorChoices.cpu);
  const constant = (value: number, shape: readonly number[]) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return graph.constant(new Float32Array(size).fill(value), shape);
  };
  const toBytes = (value: string) => graph.add("Cast", [value], { to: elementTypes[type] });
  const x = graph.quantize(graph.input("x", [SIZE, SIZE]));
  const weight = toBytes(constant(ZERO_POINTS[type] + LARGEST_WEIGHT, [SIZE, SIZE]));
  const zero = toBytes(constant(ZERO_POINTS[type], []));
  const inputs = [x, weight, `${x}_scale`, constant(1, [SIZE]), `${x}_zero`, zero];
  const product = graph.add("MatMulIntegerToFloat", inputs, {}, "com.microsoft");
  graph.output("y", product, [SIZE, SIZE]);
  const device = { provider: "cpu", index: 0 } as const;
  const session = await openSession("a first product", graph, { device, threads: 1 });
  const data = new Float32Array(SIZE * SIZE).fill(LARGEST_ACTIVATION);
  const outputs = await session.run({ x: { shape: [SIZE, SIZE], data } });
  await session.release();
  const sum = SIZE * LARGEST_ACTIVATION * LARGEST_WEIGHT;
  return outputs.get("y")?.data.every((value) => value === sum) ?? false;
}
