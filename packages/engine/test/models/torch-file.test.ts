/** The files are made by PyTorch: ../fixtures/models/make-torch-files.py. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { openWeights } from "../../src/models/open-weights.ts";
import { readTensor } from "../../src/models/read-tensor.ts";
import { openFolder } from "../support/random-checkpoint.ts";
import { torchFile } from "../support/torch-file.ts";

const fixture = (name: string) =>
  fileURLToPath(new URL(`../fixtures/models/${name}`, import.meta.url));

test("tensors of a PyTorch file are found in place, out of their state_dict", async () => {
  const { tensors } = await openWeights(fixture("tensors.pt"));
  const read: Record<string, unknown> = {};
  for (const [key, entry] of tensors) {
    read[key] = [entry.type, entry.shape, [...(await readTensor(entry)).data]];
  }
  expect(read).toEqual({
    weight: ["F32", [1, 2], [0.5, -2]],
    bias: ["F32", [1], [3]],
    half: ["F16", [2], [1, 2]],
    rows: ["F32", [2, 4], [4, 5, 6, 7, 8, 9, 10, 11]],
    brain: ["BF16", [4], [0, 1, 2, 3]],
  });
});

test("a pickle that would run code is refused by the name of what it would run", async () => {
  await expect(openWeights(fixture("evil.pt"))).rejects.toMatchObject({
    code: "MODEL_INVALID",
    message: expect.stringMatching(/"evil.pt".*names posix.system, which no tensor needs/),
  });
  expect(existsSync("/tmp/rabbitloom-was-here")).toBe(false);
});

test.each([
  ["transposed.pt", /tensor "a" is not stored row by row/],
  ["legacy.pt", /bare pickle.*save it again/],
  ["compressed.pt", /is compressed/],
])("%s is refused with the reason", async (name, message) => {
  await expect(openWeights(fixture(name))).rejects.toThrow(message);
});

test("a file that is cut off anywhere is refused, never read beyond its end", async () => {
  await using folder = await openFolder();
  const whole = await readFile(fixture("tensors.pt"));
  for (let length = 1; length < whole.length; length += 61) {
    const file = await folder.write("cut.pt", whole.subarray(0, length));
    await expect(openWeights(file)).rejects.toMatchObject({ code: "MODEL_INVALID" });
  }
});

test("a file with any one byte changed is read or refused, and nothing else happens", async () => {
  await using folder = await openFolder();
  const whole = await readFile(fixture("tensors.pt"));
  for (let at = 0; at < whole.length; at += 7) {
    const bytes = Buffer.from(whole);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x55, at);
    const outcome = await openWeights(await folder.write("changed.pt", bytes)).then(
      ({ tensors }) => [...tensors.values()].every((e) => e.offset + e.length <= whole.length),
      (cause: unknown) => cause instanceof Error && "code" in cause && cause.code,
    );
    expect([true, "MODEL_INVALID"]).toContain(outcome);
  }
});

const bytes = (...parts: readonly (number | string | Buffer)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === "number" ? Buffer.of(part) : Buffer.from(part))),
  );
const u32 = (value: number) => {
  const four = Buffer.alloc(4);
  four.writeUInt32LE(value);
  return four;
};

test.each([
  [
    "a number of a million bytes",
    bytes(0x80, 2, 0x8b, u32(1_000_000), Buffer.alloc(1_000_000), "."),
    /a number of 1000000 bytes/,
  ],
  ["a list that holds itself", bytes(0x80, 2, "]q", 0, "h", 0, "a."), /absurdly long/],
  [
    "a name that doubles at every level",
    bytes(
      0x80,
      2,
      "}X",
      u32(900),
      Buffer.alloc(900, "k"),
      "}X",
      u32(900),
      Buffer.alloc(900, "k"),
      "Nss.",
    ),
    /absurdly long/,
  ],
  ["a call of what is no global", bytes(0x80, 2, "NNR."), /cannot be/],
  [
    "a global that is known, called with nothing",
    bytes(0x80, 2, "ctorch._utils\n_rebuild_tensor_v2\n)R."),
    /is not described/,
  ],
  ["an opcode for instances", bytes(0x80, 2, "(iposix\nsystem\n."), /opcode 0x69/],
  ["an opcode for extensions", bytes(0x80, 2, 0x82, 1, "."), /opcode 0x82/],
  [
    "a global by the stack",
    bytes(0x80, 4, 0x8c, 2, "os", 0x8c, 6, "system", 0x93, "."),
    /names os.system/,
  ],
])("a pickle with %s is refused", async (_what, pickle, message) => {
  await using folder = await openFolder();
  const file = await folder.write("a.pt", torchFile(pickle));
  await expect(openWeights(file)).rejects.toMatchObject({
    code: "MODEL_INVALID",
    message: expect.stringMatching(message),
  });
});
