/** Nodes that put ControlNets and T2I adapters into a CONDITIONING. */
import type { AppliedControl, ControlNet } from "../../models/control-net.ts";
import type { Conditioning } from "../../models/model.ts";
import type { Tensor } from "../../tensor.ts";
import { defineNode } from "../define-node.ts";
import { combo, conditioning, controlNet, float, image, vae } from "../input.ts";

const category = "conditioning/controlnet";
const sides = [
  { type: "CONDITIONING", name: "positive" },
  { type: "CONDITIONING", name: "negative" },
] as const;

const strength = float({ default: 1.0, min: 0.0, max: 10.0, step: 0.01 });
const range = {
  start_percent: float({ default: 0.0, min: 0.0, max: 1.0, step: 0.001 }),
  end_percent: float({ default: 1.0, min: 0.0, max: 1.0, step: 0.001 }),
};

/** For the whole sampling; the negative prompt's entries without a net get it too. */
export const controlNetApply = defineNode({
  name: "ControlNetApply",
  displayName: "Apply ControlNet (OLD)",
  category,
  deprecated: true,
  inputs: { conditioning: conditioning(), control_net: controlNet(), image: image(), strength },
  outputs: ["CONDITIONING"],
  run: ({ conditioning, control_net, image, strength }) => {
    if (strength === 0) return [conditioning];
    const control = { net: control_net, picture: image, strength, startPercent: 0, endPercent: 1 };
    return [
      withControl(conditioning, control).map((entry) => ({ ...entry, isControlForNegative: true })),
    ];
  },
});

/** `vae` is for networks that see pictures as latents, of families that are not run here. */
export const controlNetApplyAdvanced = defineNode({
  name: "ControlNetApplyAdvanced",
  displayName: "Apply ControlNet",
  category,
  inputs: {
    positive: conditioning(),
    negative: conditioning(),
    control_net: controlNet(),
    image: image(),
    strength,
    ...range,
    vae: vae({ optional: true }),
  },
  outputs: sides,
  run: (inputs) => applyToBoth(inputs),
});

export const controlNetApplySd3 = defineNode({
  name: "ControlNetApplySD3",
  displayName: "Apply Controlnet with VAE",
  category,
  module: "comfy_extras.nodes_sd3",
  schema: "v3",
  deprecated: true,
  inputs: {
    positive: conditioning(),
    negative: conditioning(),
    control_net: controlNet(),
    vae: vae(),
    image: image(),
    strength,
    ...range,
  },
  outputs: sides,
  run: (inputs) => applyToBoth(inputs),
});

/** What nets for several kinds of pictures call them; the names together are one kind. */
const KINDS = [
  "openpose",
  "depth",
  "hed/pidi/scribble/ted",
  "canny/lineart/anime_lineart/mlsd",
  "normal",
  "segment",
  "tile",
  "repaint",
] as const;

/** A net of one kind of pictures stays as it is. */
export const setUnionControlNetType = defineNode({
  name: "SetUnionControlNetType",
  category,
  module: "comfy_extras.nodes_controlnet",
  inputs: { control_net: controlNet(), type: combo(["auto", ...KINDS]) },
  outputs: ["CONTROL_NET"],
  run: ({ control_net, type }) => {
    if (control_net.kinds === null) return [control_net];
    const kind = type === "auto" ? null : KINDS.indexOf(type);
    if (kind !== null && kind >= control_net.kinds) {
      throw new Error(
        `ControlNet ${JSON.stringify(control_net.name)} knows ${control_net.kinds} kinds of pictures: ` +
          `${KINDS.slice(0, control_net.kinds).join(", ")}; not ${type}`,
      );
    }
    return [control_net.ofKind(kind)];
  },
});

function applyToBoth({
  positive,
  negative,
  control_net,
  image,
  strength,
  start_percent,
  end_percent,
}: {
  readonly positive: Conditioning;
  readonly negative: Conditioning;
  readonly control_net: ControlNet;
  readonly image: Tensor;
  readonly strength: number;
  readonly start_percent: number;
  readonly end_percent: number;
}): [Conditioning, Conditioning] {
  if (strength === 0) return [positive, negative];
  const control = {
    net: control_net,
    picture: image,
    strength,
    startPercent: start_percent,
    endPercent: end_percent,
  };
  const apply = (side: Conditioning) =>
    withControl(side, control).map((entry) => ({ ...entry, isControlForNegative: false }));
  return [apply(positive), apply(negative)];
}

/** After what each entry has already. */
function withControl(
  conditioning: Conditioning,
  control: Omit<AppliedControl, "previous">,
): Conditioning {
  return conditioning.map((entry) => ({
    ...entry,
    control: {
      ...control,
      ...(entry.control === undefined ? {} : { previous: entry.control }),
    },
  }));
}
