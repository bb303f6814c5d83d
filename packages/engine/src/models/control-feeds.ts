import { CodedError } from "@rabbitloom/protocol";
import type { Feed } from "../ort/session.ts";
import { tensor } from "../tensor.ts";
import type { ControlResiduals } from "./control-net.ts";

export interface ControlInputs {
  /** C behind each input block. */
  readonly channels: readonly number[];
  /** The blocks behind which something may be added. */
  readonly adapters: readonly number[];
}

/** A UNet's inputs for what is added to it; where nothing is, a single 0. */
export function controlFeeds(
  control: ControlResiduals | undefined,
  { channels, adapters }: ControlInputs,
): Record<string, Feed> {
  const feeds: Record<string, Feed> = { control_middle: control?.middle ?? NOTHING };
  channels.forEach((_, block) => {
    feeds[`control_${block}`] = control?.skips.get(block) ?? NOTHING;
  });
  for (const block of adapters) {
    feeds[`adapter_${block}`] = control?.behind.get(block) ?? NOTHING;
  }
  for (const block of control?.behind.keys() ?? []) {
    if (adapters.includes(block)) continue;
    throw new CodedError(
      "NODE_FAILED",
      `something is to be added behind input block ${block}; this UNet takes it behind ${adapters.join(", ")}`,
    );
  }
  return feeds;
}

const NOTHING = tensor([1, 1, 1, 1]);
