/** Model files that are nearly right: each is read within its own bytes, or refused by MODEL_INVALID with the file's name. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { openWeights } from "../../src/models/open-weights.ts";
import { mutated, seed } from "../support/mutations.ts";
import { openFolder } from "../support/random-checkpoint.ts";
import { torchFile } from "../support/torch-file.ts";

const folder = await openFolder();
afterAll(() => folder[Symbol.asyncDispose]());

async function expectBounded(bytes: Buffer): Promise<void> {
  const file = await folder.write("odd.model", bytes);
  let tensors: Awaited<ReturnType<typeof openWeights>>["tensors"];
  try {
    ({ tensors } = await openWeights(file));
  } catch (error) {
    expect(error).toMatchObject({
      code: "MODEL_INVALID",
      message: expect.stringContaining('"odd.model"'),
    });
    return;
  }
  for (const { offset, length } of tensors.values()) {
    expect(offset >= 0 && length >= 0 && offset + length <= bytes.length).toBe(true);
  }
}

const size = fc.oneof(
  fc.nat(16),
  fc.constantFrom(-1, 0.5, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e300),
);
const entry = fc.oneof(
  { weight: 3, arbitrary: fc.constant({ dtype: "F16", shape: [2, 3], data_offsets: [0, 12] }) },
  fc.record({
    dtype: fc.constantFrom("F32", "F16", "BF16", "I64", "BOOL", "F8_E4M3", "Q4", "", "__proto__"),
    shape: fc.array(size, { maxLength: 5 }),
    data_offsets: fc.oneof(fc.tuple(size, size), fc.array(size, { maxLength: 3 })),
  }),
  fc.jsonValue(),
);
const names = fc.oneof(
  fc.constantFrom("a", "__proto__", "constructor", "__metadata__", "", "a.b", "\0"),
  fc.string(),
);

test(`any header of a safetensors file (seed ${seed})`, async () => {
  const headers = fc.array(fc.tuple(names, entry), { maxLength: 6 }).map((members) => {
    const texts = members.map(
      ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
    );
    return `{${texts.join(",")}}`;
  });
  const lengths = fc.option(fc.constantFrom(0n, 1n, 8n, 100_000_000n, 2n ** 63n, 2n ** 64n - 1n), {
    freq: 5,
  });
  await fc.assert(
    fc.asyncProperty(headers, lengths, fc.nat(64), async (header, claimed, body) => {
      const text = Buffer.from(header);
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(claimed ?? BigInt(text.length));
      await expectBounded(Buffer.concat([length, text, Buffer.alloc(body)]));
    }),
    { seed, numRuns: 500 },
  );
});

test(`a header of brackets alone is refused, however many (seed ${seed})`, async () => {
  for (const text of ['{"a":'.repeat(200_000), `{"a":${"[".repeat(1_000_000)}`]) {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    await expectBounded(Buffer.concat([length, Buffer.from(text)]));
  }
});

test(`a PyTorch file with bytes and sizes changed (seed ${seed})`, async () => {
  const path = fileURLToPath(new URL("../fixtures/models/tensors.pt", import.meta.url));
  const whole = await readFile(path);
  await fc.assert(
    fc.asyncProperty(mutated(whole), (bytes) => expectBounded(bytes)),
    { seed, numRuns: 700 },
  );
});

/** Each with what follows it: most are right, so that some get far. */
const opcodes = fc.oneof(
  fc.constantFrom(
    ..."(01N\x88\x89}])tl\x85\x86\x87aesudRbQ.\x94\x93".split("").map((letter) => [letter]),
    ["q", 0],
    ["q", 1],
    ["h", 0],
    ["h", 1],
    ["K", 2],
    ["M", 255, 255],
    ["J", 255, 255, 255, 127],
    ["X", 3, 0, 0, 0, "a.b"],
    ["X", 255, 255, 255, 255],
    ["\x8c", 7, "storage"],
    ["\x8d", 255, 255, 255, 255, 255, 255, 255, 255],
    ["\x8a", 2, 255, 255],
    ["r", 255, 255, 255, 255],
    ["j", 255, 255, 255, 255],
    ["ctorch._utils\n_rebuild_tensor_v2\n"],
    ["ctorch\nFloatStorage\n"],
    ["ccollections\nOrderedDict\n"],
    ["cos\nsystem\n"],
  ),
);

test(`any row of a pickle's opcodes (seed ${seed})`, async () => {
  const pickles = fc
    .array(opcodes, { maxLength: 60 })
    .map((codes) =>
      Buffer.concat([
        Buffer.of(0x80, 2),
        ...codes
          .flat()
          .map((part) =>
            typeof part === "number" ? Buffer.of(part) : Buffer.from(part, "latin1"),
          ),
        Buffer.from("."),
      ]),
    );
  await fc.assert(
    fc.asyncProperty(pickles, (pickle) => expectBounded(torchFile(pickle))),
    { seed, numRuns: 1_500 },
  );
});

test("a pickle of nothing but empty dicts is refused before they fill the memory", async () => {
  const file = await folder.write("bomb.pt", torchFile(Buffer.alloc(60_000_000, "}")));
  await expect(openWeights(file)).rejects.toThrow(/it takes more than 10000000 steps/);
});

test("one long list of sizes does not stand for those of many tensors", async () => {
  const sizes = [Buffer.from("("), Buffer.alloc(200_000, "N"), Buffer.from("tq\0")];
  const one = Buffer.from("ctorch._utils\n_rebuild_tensor_v2\n(NK\0h\0h\0tR");
  const pickle = Buffer.concat([Buffer.of(0x80, 2), ...sizes, one, Buffer.from(".")]);
  const file = await folder.write("sizes.pt", torchFile(pickle));
  await expect(openWeights(file)).rejects.toThrow(/a tensor is not described/);
});
