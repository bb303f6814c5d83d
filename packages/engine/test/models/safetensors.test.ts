import { appendFile, symlink } from "node:fs/promises";
import path from "node:path";
import { expect, test } from "vitest";
import { openWeights } from "../../src/models/open-weights.ts";
import { readTensor } from "../../src/models/read-tensor.ts";
import { openFolder } from "../support/random-checkpoint.ts";

/** A file with this header, and so many bytes behind it. */
function fileOf(header: unknown, bodyBytes: number, claimedLength?: number): Buffer {
  const text = Buffer.from(typeof header === "string" ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(claimedLength ?? text.length));
  return Buffer.concat([length, text, Buffer.alloc(bodyBytes, 0x3c)]);
}

const pair = { dtype: "F16", shape: [2, 3], data_offsets: [0, 12] };

test("tensors are told by type, shape and place in the file", async () => {
  await using folder = await openFolder();
  const header = { __metadata__: { format: "pt" }, a: pair };
  const file = await folder.write("a.safetensors", fileOf(header, 12));
  const { tensors, metadata } = await openWeights(file);
  const offset = 8 + JSON.stringify(header).length;
  expect(tensors.get("a")).toEqual({
    type: "F16",
    shape: [2, 3],
    location: file,
    offset,
    length: 12,
  });
  expect(metadata.get("format")).toBe("pt");
});

test("a link is followed to the file itself, and a file that grew is another one", async () => {
  await using folder = await openFolder();
  const file = await folder.write("a.safetensors", fileOf({ a: pair }, 12));
  const link = path.join(folder.folder, "link.safetensors");
  await symlink(file, link);
  const before = await openWeights(link);
  expect(before.tensors.get("a")?.location).toBe(file);
  await appendFile(file, "more");
  expect((await openWeights(link)).id).not.toBe(before.id);
});

test.each<[string, Buffer, RegExp]>([
  ["that is empty", Buffer.alloc(0), /"bad.safetensors".*only 0 bytes/],
  ["whose header is longer than the file", fileOf({}, 0, 1e9), /claims 1000000000 bytes, of 10/],
  ["whose header is not JSON", fileOf("{not json", 0), /header is not a JSON object/],
  ["whose header is a list", fileOf([1], 0), /header is not a JSON object/],
  [
    "with a tensor that says no shape",
    fileOf({ a: { dtype: "F16", data_offsets: [0, 2] } }, 2),
    /tensor "a" is not described/,
  ],
  [
    "with a type nobody knows",
    fileOf({ a: { ...pair, dtype: "Q4" } }, 12),
    /tensor "a" is of type Q4/,
  ],
  [
    "whose shape and range disagree",
    fileOf({ a: { ...pair, shape: [3, 3] } }, 12),
    /tensor "a" has 12 bytes, but F16 \[3, 3\] takes 18/,
  ],
  [
    "with an absurd shape",
    fileOf({ a: { ...pair, shape: [2 ** 40, 2 ** 40] } }, 12),
    /tensor "a" has 12 bytes/,
  ],
  [
    "with a negative range",
    fileOf({ a: { ...pair, data_offsets: [-12, 0] } }, 12),
    /tensor "a" is not described/,
  ],
  ["that is cut off", fileOf({ a: pair }, 11), /tensor "a" ends at byte .* it is cut off/],
])("a file %s is refused before it is mapped", async (_, bytes, message) => {
  await using folder = await openFolder();
  const file = await folder.write("bad.safetensors", bytes);
  await expect(openWeights(file)).rejects.toThrow(message);
  await expect(openWeights(file)).rejects.toMatchObject({ code: "MODEL_INVALID" });
});

test.each<[string, number[], number[]]>([
  ["F32", [0x00, 0x00, 0x80, 0x3f], [1]],
  ["F16", [0x00, 0x3c, 0x01, 0x00, 0x00, 0xfc], [1, 2 ** -24, Number.NEGATIVE_INFINITY]],
  ["BF16", [0x80, 0x3f, 0x49, 0x40], [1, 3.140625]],
])("numbers of type %s are read", async (dtype, bytes, values) => {
  await using folder = await openFolder();
  const header = { a: { dtype, shape: [values.length], data_offsets: [0, bytes.length] } };
  const content = Buffer.concat([fileOf(header, 0), Buffer.from(bytes)]);
  const { tensors } = await openWeights(await folder.write("a.safetensors", content));
  const entry = tensors.get("a");
  expect(entry && [...(await readTensor(entry)).data]).toEqual(values);
});
