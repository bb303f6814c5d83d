/**
 * numpy.random.SeedSequence: hashes entropy and a spawn key into as many 32-bit seeds as wanted.
 * O'Neill 2015, "Developing a seed_seq alternative"; NumPy's NEP 19.
 */
const INIT_A = 0x43b0d7e5;
const MULTIPLIER_A = 0x931e8875;
const INIT_B = 0x8b51f9dd;
const MULTIPLIER_B = 0x58f38ded;
const MIX_LEFT = 0xca01f9dd;
const MIX_RIGHT = 0x4973f715;
const SHIFT = 16;

export interface SeedSequenceOptions {
  readonly entropy: number | bigint;
  /** Says which of the sequences of this entropy it is; none for the root. */
  readonly spawnKey?: readonly number[];
  /** Words of state. @default 4 */
  readonly poolSize?: number;
}

/** `count` seeds of 32 bits. */
export function seedSequence(
  { entropy, spawnKey = [], poolSize = 4 }: SeedSequenceOptions,
  count: number,
): Uint32Array {
  return generate(mixEntropy(assembleEntropy({ entropy, spawnKey, poolSize }), poolSize), count);
}

function assembleEntropy({
  entropy,
  spawnKey,
  poolSize,
}: Required<SeedSequenceOptions>): readonly number[] {
  const own = words(entropy);
  const spawned = spawnKey.flatMap(words);
  // Zeros keep an entropy that is short apart from a spawn key that continues it.
  while (spawned.length > 0 && own.length < poolSize) own.push(0);
  return [...own, ...spawned];
}

/** Little-endian 32-bit words; one word for zero. */
function words(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out = [Number(rest & 0xffffffffn)];
  for (rest >>= 32n; rest > 0n; rest >>= 32n) out.push(Number(rest & 0xffffffffn));
  return out;
}

function mixEntropy(entropy: readonly number[], poolSize: number): Uint32Array {
  const pool = new Uint32Array(poolSize);
  let constant = INIT_A;
  const hash = (word: number): number => {
    let value = word ^ constant;
    constant = Math.imul(constant, MULTIPLIER_A);
    value = Math.imul(value, constant);
    return (value ^ (value >>> SHIFT)) >>> 0;
  };
  for (let i = 0; i < poolSize; i++) pool[i] = hash(entropy[i] ?? 0);
  for (let from = 0; from < poolSize; from++) {
    for (let to = 0; to < poolSize; to++) {
      if (from !== to) pool[to] = mix(pool[to]!, hash(pool[from]!));
    }
  }
  for (let from = poolSize; from < entropy.length; from++) {
    for (let to = 0; to < poolSize; to++) pool[to] = mix(pool[to]!, hash(entropy[from]!));
  }
  return pool;
}

function mix(x: number, y: number): number {
  const value = Math.imul(MIX_LEFT, x) - Math.imul(MIX_RIGHT, y);
  return (value ^ (value >>> SHIFT)) >>> 0;
}

function generate(pool: Uint32Array, count: number): Uint32Array {
  const out = new Uint32Array(count);
  let constant = INIT_B;
  for (let i = 0; i < count; i++) {
    let value = pool[i % pool.length]! ^ constant;
    constant = Math.imul(constant, MULTIPLIER_B);
    value = Math.imul(value, constant);
    out[i] = value ^ (value >>> SHIFT);
  }
  return out;
}
