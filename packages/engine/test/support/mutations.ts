import fc from "fast-check";
import { inject } from "vitest";

/** Of FUZZ_SEED; printed in titles. */
export const seed = inject("fuzzSeed");

/** Sizes at which readers go wrong, as 32 bits. */
const ODD = [0, 1, 0x7f, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff] as const;

type Change = (bytes: Buffer) => Buffer;

/** Bytes with a few of them changed, taken out, put in or repeated; those of the header more often than others. */
export function mutated(whole: Buffer, headerBytes = 64): fc.Arbitrary<Buffer> {
  const place = fc.oneof(fc.nat(Math.min(headerBytes, whole.length) - 1), fc.nat(whole.length - 1));
  return fc
    .array(changeAt(place), { minLength: 1, maxLength: 4 })
    .map((changes) => changes.reduce<Buffer>((bytes, change) => change(bytes), Buffer.from(whole)));
}

function changeAt(place: fc.Arbitrary<number>): fc.Arbitrary<Change> {
  return fc.oneof(
    fc.tuple(place, fc.nat(255)).map(([at, byte]): Change => {
      return (bytes) => (at < bytes.length ? bytes.fill(byte, at, at + 1) : bytes);
    }),
    fc.tuple(place, fc.constantFrom(...ODD), fc.boolean()).map(([at, size, isLittle]): Change => {
      return (bytes) => {
        if (at + 4 > bytes.length) return bytes;
        if (isLittle) bytes.writeUInt32LE(size, at);
        else bytes.writeUInt32BE(size, at);
        return bytes;
      };
    }),
    fc.tuple(place, fc.nat(64)).map(([at, length]): Change => {
      return (bytes) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    }),
    fc.tuple(place, fc.nat(64)).map(([at, length]): Change => {
      return (bytes) => Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    }),
    place.map(
      (length): Change =>
        (bytes) =>
          bytes.subarray(0, length),
    ),
  );
}
