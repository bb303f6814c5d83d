import type { Feed } from "../ort/session.ts";
import { deltasFor, type LayerAliases } from "./lora-names.ts";
import type { AppliedLora, Lora, LoraDelta } from "./model.ts";
import type { Weights } from "./weights.ts";

/** The LoRAs of one network, matched with its layers once each. */
export interface Patches {
  deltas(lora: Lora): ReadonlyMap<string, LoraDelta>;
  /** Those that change anything here. */
  used(loras: readonly AppliedLora[]): readonly AppliedLora[];
}

export function createPatches(weights: Weights, aliases: LayerAliases): Patches {
  const known = new WeakMap<Lora, ReadonlyMap<string, LoraDelta>>();
  function deltas(lora: Lora): ReadonlyMap<string, LoraDelta> {
    const found = known.get(lora) ?? deltasFor({ lora, weights, aliases });
    known.set(lora, found);
    return found;
  }
  return {
    deltas,
    used: (loras) => loras.filter(({ lora, strength }) => strength !== 0 && deltas(lora).size > 0),
  };
}

/** Strengths are inputs: changing one costs nothing. */
export function strengthFeeds(loras: readonly AppliedLora[]): Record<string, Feed> {
  return Object.fromEntries(
    loras.map(({ strength }, index) => [
      `lora_${index}`,
      { shape: [1], data: Float32Array.of(strength) },
    ]),
  );
}
