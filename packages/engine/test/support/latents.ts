import type { Latent, Tensor } from "../../src/tensor.ts";
import { tensor } from "../../src/tensor.ts";
import { outputAt, type Workbench } from "../nodes/evaluate.ts";
import { isTensor } from "./tensors.ts";

export async function callForLatent(
  bench: Workbench,
  name: string,
  inputs: Record<string, unknown>,
  slot = 0,
): Promise<Latent> {
  const value = outputAt(await bench.call(name, inputs), slot);
  if (!isLatent(value)) throw new Error(`${name} returns no latent at ${slot}`);
  return value;
}

export function isLatent(value: unknown): value is Latent {
  return (
    typeof value === "object" && value !== null && "samples" in value && isTensor(value.samples)
  );
}

/** 0, 1, 2, ... */
export function counted(...shape: number[]): Tensor {
  const t = tensor(shape);
  return { shape, data: t.data.map((_, i) => i) };
}

export function rounded(t: Tensor): number[] {
  return [...t.data].map((value) => Math.round(value * 1e5) / 1e5);
}
