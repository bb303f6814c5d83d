import type { Tensor } from "../../src/tensor.ts";

export function isTensor(value: unknown): value is Tensor {
  return (
    typeof value === "object" &&
    value !== null &&
    "data" in value &&
    value.data instanceof Float32Array &&
    "shape" in value
  );
}
