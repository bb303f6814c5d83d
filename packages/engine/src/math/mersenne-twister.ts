/**
 * MT19937 as torch's CPU generator seeds and reads it.
 * Matsumoto and Nishimura 1998, "Mersenne Twister: a 623-dimensionally equidistributed uniform generator".
 */
const N = 624;
const M = 397;
const UPPER = 0x80000000;
const LOWER = 0x7fffffff;

export interface MersenneTwister {
  /** The next 32 bits, as a number 0..2^32-1. */
  next(): number;
}

/** Only the seed's low 32 bits count, as in torch. */
export function createMersenneTwister(seed: number | bigint): MersenneTwister {
  const state = new Uint32Array(N);
  let position = N;
  state[0] = Number(BigInt.asUintN(32, BigInt(seed)));
  for (let i = 1; i < N; i++) {
    const previous = state[i - 1]!;
    state[i] = Math.imul(1812433253, previous ^ (previous >>> 30)) + i;
  }

  function refill(): void {
    for (let k = 0; k < N; k++) {
      const y = (state[k]! & UPPER) | (state[(k + 1) % N]! & LOWER);
      state[k] = state[(k + M) % N]! ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    position = 0;
  }

  return {
    next() {
      if (position >= N) refill();
      let y = state[position++]!;
      y ^= y >>> 11;
      y ^= (y << 7) & 0x9d2c5680;
      y ^= (y << 15) & 0xefc60000;
      y ^= y >>> 18;
      return y >>> 0;
    },
  };
}
