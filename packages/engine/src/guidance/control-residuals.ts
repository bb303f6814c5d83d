import type { ResolvedControl } from "../conditioning/resolve-control.ts";
import { weightedSum } from "../math/weighted-sum.ts";
import type { ControlledUnet, ControlPicture, ControlResiduals } from "../models/control-net.ts";
import type { NetworkInputs } from "../models/model.ts";
import { type Tensor, tensor } from "../tensor.ts";

/** What a chain of ControlNets adds at one level; nothing where none of them is in its range. */
export type ControlCall = (
  inputs: Omit<NetworkInputs, "control">,
  sigma: number,
) => Promise<ControlResiduals | undefined>;

/** Throws MODEL_INVALID where a net is made for another family than the UNet. */
export function attachControl(
  control: ResolvedControl,
  unet: ControlledUnet,
  latent: Omit<ControlPicture, "image">,
): ControlCall {
  const { net, picture, strength, sigmaStart, sigmaEnd, previous } = control;
  const before = previous === undefined ? undefined : attachControl(previous, unet, latent);
  const attached = net.attach(unet, { ...latent, image: picture });
  return async (inputs, sigma) => {
    const earlier = await before?.(inputs, sigma);
    if (sigma > sigmaStart || sigma < sigmaEnd) return earlier;
    const own = await attached.run(inputs, strength);
    return earlier === undefined ? own : merged(earlier, own);
  };
}

function merged(a: ControlResiduals, b: ControlResiduals): ControlResiduals {
  const middle = sum(a.middle, b.middle);
  return {
    skips: sums(a.skips, b.skips),
    behind: sums(a.behind, b.behind),
    ...(middle === undefined ? {} : { middle }),
  };
}

function sums(
  a: ReadonlyMap<number, Tensor>,
  b: ReadonlyMap<number, Tensor>,
): ReadonlyMap<number, Tensor> {
  const all = new Map(a);
  for (const [block, residual] of b) all.set(block, sum(a.get(block), residual) ?? residual);
  return all;
}

function sum(a: Tensor | undefined, b: Tensor | undefined): Tensor | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return tensor(a.shape, weightedSum([1, a.data], [1, b.data]));
}
