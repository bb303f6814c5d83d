import type { NodeClass } from "../define-node.ts";
import * as guiders from "./guiders.ts";
import * as ksamplers from "./ksampler.ts";
import * as noises from "./noises.ts";
import * as custom from "./sampler-custom.ts";
import * as samplers from "./sampler-nodes.ts";
import * as schedulers from "./schedulers.ts";
import * as sigmas from "./sigmas.ts";

export const samplingNodes: readonly NodeClass[] = [
  ...Object.values(ksamplers),
  ...Object.values(custom),
  ...Object.values(guiders),
  ...Object.values(noises),
  ...Object.values(samplers),
  ...Object.values(schedulers),
  ...Object.values(sigmas),
];
