/** Numbers that the same seed repeats. */
export interface Random {
  /** 0 up to, not including, 1. */
  next(): number;
  /** A whole number from 0 up to, not including, `below`. */
  whole(below: number): number;
  between(from: number, to: number): number;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
  /** The same items in another order. */
  shuffled<Item>(items: readonly Item[]): Item[];
}

/** mulberry32 by Tommy Ettinger, public domain: 32 bits of state are enough to choose faults. */
export function seeded(seed: number): Random {
  let state = seed >>> 0;
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  const whole = (below: number) => Math.floor(next() * below);
  return {
    next,
    whole,
    between: (from, to) => from + next() * (to - from),
    pick: (items) => items[whole(items.length)] ?? items[0],
    shuffled(items) {
      const rest = [...items];
      return items.flatMap(() => rest.splice(whole(rest.length), 1));
    },
  };
}
