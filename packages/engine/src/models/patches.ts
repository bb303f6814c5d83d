import type { Feed } from "../ort/session.ts";
import { tensor } from "../tensor.ts";
import type { LayerChange } from "./layer-change.ts";
import { lowRankChange } from "./lora-forms.ts";
import { type LayerAliases, type MatchedLora, matchLora } from "./lora-names.ts";
import type { AppliedLora, Branch, Lora } from "./model.ts";
import { type ChangedWeights, recipeId, recipeOf, type TensorRecipe } from "./tensor-recipe.ts";
import type { Weights } from "./weights.ts";

/** The LoRAs of one network, matched with its layers once each. */
export interface Patches {
  /** Which layers of the file change one of the network's, by the file's names. */
  matched(lora: Lora): ReadonlySet<string>;
  /** Branches where all that changes a layer is of low rank, computed tensors elsewhere. */
  plan(loras: readonly AppliedLora[], weights: ChangedWeights): PatchPlan;
  /** All LoRAs worked into the tensors. */
  workedIn(loras: readonly AppliedLora[], weights: ChangedWeights): ChangedWeights;
}

export interface PatchPlan {
  readonly branches: readonly Branch[];
  readonly weights: ChangedWeights;
}

export function createPatches(base: Weights, aliases: LayerAliases): Patches {
  const known = new WeakMap<Lora, MatchedLora>();
  const plans = new WeakMap<readonly AppliedLora[], PatchPlan>();

  function match(lora: Lora): MatchedLora {
    const found = known.get(lora) ?? matchLora({ lora, weights: base, aliases });
    known.set(lora, found);
    return found;
  }

  function makePlan(loras: readonly AppliedLora[], weights: ChangedWeights): PatchPlan {
    const used = loras.filter(({ strength }) => strength !== 0);
    const whole = new Set(used.flatMap(({ lora }) => [...match(lora).changes.keys()]));
    const branches = used.map((applied) => {
      const deltas = [...match(applied.lora).deltas].filter(([layer]) => !whole.has(layer));
      return { ...applied, deltas: new Map(deltas) };
    });
    return {
      branches: branches.filter(({ deltas }) => deltas.size > 0),
      weights: workIn(used, weights, (layer) => whole.has(layer)),
    };
  }

  function workIn(
    loras: readonly AppliedLora[],
    { base, changes }: ChangedWeights,
    isMeant: (layer: string) => boolean,
  ): ChangedWeights {
    const changed = new Map(changes);
    const change = (layer: string, how: LayerChange, strength: number): void => {
      const key = `${layer}.${how.part}`;
      const recipe = recipeOf({ base, changes: changed }, key);
      if (recipe !== undefined) changed.set(key, changedBy(recipe, how, strength));
    };
    for (const { lora, strength } of loras) {
      const { deltas, changes } = match(lora);
      for (const [layer, delta] of deltas) {
        if (isMeant(layer)) change(layer, lowRankChange(`${lora.id} ${layer}`, delta), strength);
      }
      for (const [layer, all] of changes) {
        if (isMeant(layer)) for (const how of all) change(layer, how, strength);
      }
    }
    return { base, changes: changed };
  }

  return {
    matched: (lora) => match(lora).names,
    plan(loras, weights) {
      const plan = plans.get(loras) ?? makePlan(loras, weights);
      plans.set(loras, plan);
      return plan;
    },
    workedIn: (loras, weights) =>
      workIn(
        loras.filter(({ strength }) => strength !== 0),
        weights,
        () => true,
      ),
  };
}

function changedBy(recipe: TensorRecipe, how: LayerChange, strength: number): TensorRecipe {
  return {
    ...recipe,
    id: recipeId("lora", how.id, strength, recipe.id),
    async read() {
      const given = tensor(recipe.shape, await recipe.read());
      return (await how.apply(given, strength)).data;
    },
  };
}

/** Strengths are inputs: changing one costs nothing. */
export function strengthFeeds(
  kind: "lora" | "hypernetwork",
  applied: readonly { readonly strength: number }[],
): Record<string, Feed> {
  return Object.fromEntries(
    applied.map(({ strength }, index) => [
      `${kind}_${index}`,
      { shape: [1], data: Float32Array.of(strength) },
    ]),
  );
}
