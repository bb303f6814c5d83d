import { type Tensor, tensor } from "../tensor.ts";
import { readTensor } from "./read-tensor.ts";
import type { Weights } from "./weights.ts";

const WEIGHT = "cc_projection.weight";
const BIAS = "cc_projection.bias";

/** Makes a prompt of the network's width out of a wider one. */
export interface PromptProjection {
  /** Of the prompts that it takes. */
  readonly width: number;
  /** context: [B,L,width] */
  project(context: Tensor): Tensor;
}

/** Zero123's networks are told a picture and where the camera goes, through a linear layer. Liu et al. 2023, arXiv:2303.11328. */
export async function readCameraProjection({
  tensors,
}: Weights): Promise<PromptProjection | undefined> {
  const [weightEntry, biasEntry] = [tensors.get(WEIGHT), tensors.get(BIAS)];
  if (weightEntry === undefined || biasEntry === undefined) return undefined;
  const [weight, bias] = [await readTensor(weightEntry), await readTensor(biasEntry)];
  const [outputs = 0, inputs = 0] = weight.shape;
  return {
    width: inputs,
    project({ shape, data }) {
      const [batch = 0, length = 0] = shape;
      const out = tensor([batch, length, outputs]);
      for (let row = 0; row < batch * length; row++) {
        for (let o = 0; o < outputs; o++) {
          let sum = bias.data[o] ?? 0;
          for (let i = 0; i < inputs; i++) {
            sum += (weight.data[o * inputs + i] ?? 0) * (data[row * inputs + i] ?? 0);
          }
          out.data[row * outputs + o] = sum;
        }
      }
      return out;
    },
  };
}
