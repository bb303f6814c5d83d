/**
 * A Brownian motion that depends on its seed alone, not on which intervals are asked for, bit-equal to
 * torchsde's BrownianTree (Li et al. 2020, arXiv:2001.01328, sec. 4; Gaines and Lyons 1997).
 *
 * The whole interval is halved again and again, all points rounded to 1e-6. A node's increment W over
 * [a,b] with midpoint m is split by a Brownian bridge, with z from the node's own seed:
 *
 *   W_left = W (m - a)/(b - a) + sqrt((m - a)(b - m)/(b - a)) z,    W_right = W - W_left
 */
import { seedSequence } from "./seed-sequence.ts";
import { createTorchRng } from "./torch-random.ts";

export interface BrownianTree {
  /** W(to) - W(from) for from <= to, both clipped to the tree's interval: new numbers each call. */
  increment(from: number, to: number): Float32Array;
}

export interface BrownianTreeOptions {
  readonly start: number;
  readonly end: number;
  /** Numbers in one increment. */
  readonly count: number;
  readonly seed: number | bigint;
}

interface Interval {
  readonly start: number;
  readonly end: number;
  readonly depth: number;
  /** Its place among the 2^depth intervals of its depth. */
  readonly place: number;
}

const POOL_SIZE = 24;
/**
 * Increments kept, by their size together: a way down is about 24 levels of two, and a step of a solver asks about
 * up to three points, of which the next step shares one.
 */
const CACHE_BYTES = 32 * 2 ** 20;
const MIN_CACHED = 48;
const MAX_CACHED = 192;
const { fround } = Math;

export function createBrownianTree(options: BrownianTreeOptions): BrownianTree {
  const { count, seed } = options;
  const root: Interval = {
    start: round6(options.start),
    end: round6(options.end),
    depth: 0,
    place: 0,
  };
  const [rootSeed = 0] = seedSequence({ entropy: seed, poolSize: POOL_SIZE }, 1);
  const rootIncrement = scaled(normal(rootSeed), Math.sqrt(options.end - options.start));
  const cache = new Map<string, Float32Array>();
  const fitting = Math.floor(CACHE_BYTES / (count * Float32Array.BYTES_PER_ELEMENT));
  const capacity = Math.min(Math.max(fitting, MIN_CACHED), MAX_CACHED);

  function normal(nodeSeed: number): Float32Array {
    return createTorchRng(nodeSeed).randn(count);
  }

  function add(sum: Float32Array, node: Interval, increment: Float32Array, query: Query): void {
    const { from, to } = query;
    if (from === node.start && to === node.end) {
      for (let i = 0; i < count; i++) sum[i] = sum[i]! + increment[i]!;
      return;
    }
    const middle = middleOf(node);
    const depth = node.depth + 1;
    const left = { start: node.start, end: middle, depth, place: node.place * 2 };
    const right = { start: middle, end: node.end, depth, place: node.place * 2 + 1 };
    const ofLeft = remembered(left, () => bridge(node, increment));
    if (from < middle) add(sum, left, ofLeft, { from, to: Math.min(to, middle) });
    if (to <= middle) return;
    const ofRight = remembered(right, () => difference(increment, ofLeft));
    add(sum, right, ofRight, { from: Math.max(from, middle), to });
  }

  /** The left half's increment, every operation rounded to a float as torch does. */
  function bridge(node: Interval, increment: Float32Array): Float32Array {
    const middle = middleOf(node);
    const toMiddle = middle - node.start;
    const toEnd = node.end - middle;
    const perLength = 1 / (node.end - node.start);
    const weight = fround(toMiddle);
    const share = fround(perLength);
    const deviation = fround(Math.sqrt(toMiddle * toEnd * perLength));
    const spawnKey = [node.place, node.depth];
    const [nodeSeed = 0] = seedSequence({ entropy: seed, spawnKey, poolSize: POOL_SIZE }, 1);
    const out = normal(nodeSeed);
    for (let i = 0; i < count; i++) {
      out[i] = fround(fround(weight * increment[i]!) * share) + fround(deviation * out[i]!);
    }
    return out;
  }

  function remembered(node: Interval, compute: () => Float32Array): Float32Array {
    const key = `${node.depth}/${node.place}`;
    const increment = cache.get(key) ?? compute();
    cache.delete(key);
    cache.set(key, increment);
    for (const oldest of cache.keys()) {
      if (cache.size <= capacity) break;
      cache.delete(oldest);
    }
    return increment;
  }

  return {
    increment(from, to) {
      const sum = new Float32Array(count);
      const query = {
        from: Math.max(round6(from), root.start),
        to: Math.min(round6(to), root.end),
      };
      if (query.from < query.to) add(sum, root, rootIncrement, query);
      return sum;
    },
  };
}

interface Query {
  readonly from: number;
  readonly to: number;
}

function difference(a: Float32Array, b: Float32Array): Float32Array {
  const out = new Float32Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = a[i]! - b[i]!;
  return out;
}

function middleOf({ start, end }: Interval): number {
  return round6(0.5 * (end + start));
}

function scaled(values: Float32Array, factor: number): Float32Array {
  const weight = fround(factor);
  return values.map((value) => value * weight);
}

/** To 6 decimals as Python's round does: exactly, a tie to the even digit. Ties are odd multiples of 1/128. */
function round6(value: number): number {
  const nearest = Number(value.toFixed(6));
  if (!Number.isInteger(value * 128) || Number.isInteger(value * 64)) return nearest;
  const micro = value * 1e6;
  const below = Math.floor(micro);
  return (below % 2 === 0 ? below : below + 1) / 1e6;
}
