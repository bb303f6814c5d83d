import { type ChangedWeights, recipeId, recipeOf, type TensorRecipe } from "./tensor-recipe.ts";

/** What a tensor becomes: `first` times one network's, plus `second` times the other's. */
export interface MergeFactors {
  readonly first: number;
  readonly second: number;
}

/**
 * Two networks of one layout as one. What only the second has is left out; where shapes differ (inpainting networks have
 * more input channels), only the first counts, times its factor.
 */
export function mergeWeights(
  one: ChangedWeights,
  other: ChangedWeights,
  factorsOf: (key: string) => MergeFactors,
): ChangedWeights {
  const changes = new Map(one.changes);
  for (const key of other.base.tensors.keys()) {
    const [first, second] = [recipeOf(one, key), recipeOf(other, key)];
    const factors = factorsOf(key);
    if (first === undefined || second === undefined) continue;
    if (factors.first === 1 && factors.second === 0) continue;
    const isAlike = first.shape.join() === second.shape.join();
    changes.set(key, isAlike ? sumOf(first, second, factors) : scaledBy(first, factors.first));
  }
  return { base: one.base, changes };
}

/** Each tensor times what `factorOf` says; 1 leaves it as it is. */
export function scaleWeights(
  weights: ChangedWeights,
  factorOf: (key: string) => number,
): ChangedWeights {
  const changes = new Map(weights.changes);
  for (const key of weights.base.tensors.keys()) {
    const factor = factorOf(key);
    const recipe = factor === 1 ? undefined : recipeOf(weights, key);
    if (recipe !== undefined) changes.set(key, scaledBy(recipe, factor));
  }
  return { base: weights.base, changes };
}

/** In the first one's number format. */
function sumOf(one: TensorRecipe, other: TensorRecipe, factors: MergeFactors): TensorRecipe {
  const { first, second } = factors;
  return {
    type: one.type,
    shape: one.shape,
    id: recipeId("sum", first, one.id, second, other.id),
    async read() {
      const [a, b] = [await one.read(), await other.read()];
      return a.map((value, i) => first * value + second * (b[i] ?? 0));
    },
  };
}

function scaledBy(recipe: TensorRecipe, factor: number): TensorRecipe {
  return {
    ...recipe,
    id: recipeId("scaled", factor, recipe.id),
    read: async () => (await recipe.read()).map((value) => factor * value),
  };
}
