/** Learnt embeddings in the forms that training programs write, found by name and read into a prompt. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { createModelFiles } from "../../src/files/model-files.ts";
import { loadCheckpoint } from "../../src/models/checkpoint.ts";
import { encodeText } from "../../src/models/model.ts";
import { openWeights } from "../../src/models/open-weights.ts";
import { readRows } from "../../src/models/read-tensor.ts";
import { entryOf } from "../../src/models/weights.ts";
import { createRuntime } from "../../src/ort/runtime.ts";
import { embeddingFinder } from "../../src/text/find-embedding.ts";
import { checkpointBytes, layoutOf, numbers, openFolder } from "../support/random-checkpoint.ts";
import { torchBytes } from "../support/torch-bytes.ts";

const L = { slot: "l", width: 8 } as const;
const G = { slot: "g", width: 12 } as const;
const both = { clip_g: [3, 12], clip_l: [2, 8] };

let folder: Awaited<ReturnType<typeof openFolder>>;
beforeAll(async () => {
  folder = await openFolder();
  for (const [name, bytes] of Object.entries({
    "learnt.pt": torchBytes({ "*": [2, 8] }, { wrapping: "string_to_param" }),
    "params.safetensors": checkpointBytes({ emb_params: [2, 8] }),
    "both.safetensors": checkpointBytes(both, { type: "F16" }),
    "token.bin": torchBytes({ "<cat-toy>": [8] }, { wrapping: null }),
    "people/face.safetensors": checkpointBytes({ emb_params: [1, 8] }),
    "face.pt": torchBytes({ "*": [4, 8] }, { wrapping: "string_to_param" }),
    "wide.safetensors": checkpointBytes({ emb_params: [1, 768] }),
  })) {
    await folder.write(`embeddings/${name}`, bytes);
  }
});
afterAll(() => folder[Symbol.asyncDispose]());

const find = (name: string, tower: typeof L | typeof G) =>
  embeddingFinder(createModelFiles([folder.folder]))(name, tower);

/** Weights as they are drawn by these keys, of two dimensions. */
const drawn = (key: string, rows: number, width: number) =>
  Array.from({ length: rows }, (_, row) =>
    numbers(key, width, row * width).map((value) => value * Math.fround(Math.sqrt(3 / width))),
  );

test.each<[string, string, typeof L | typeof G, Float32Array[]]>([
  ["string_to_param of a .pt", "learnt", L, drawn("*", 2, 8)],
  ["emb_params of a .safetensors", "params", L, drawn("emb_params", 2, 8)],
  ["a name with its extension", "params.safetensors", L, drawn("emb_params", 2, 8)],
  ["clip_l for CLIP-L", "both", L, drawn("clip_l", 2, 8)],
  ["clip_g for OpenCLIP", "both", G, drawn("clip_g", 3, 12)],
])("%s is read", async (_what, name, tower, wanted) => {
  const found = await find(name, tower);
  if (found === undefined || !("vectors" in found)) throw new Error(JSON.stringify(found));
  expect(found.vectors).toHaveLength(wanted.length);
  found.vectors.forEach((vector, row) => {
    for (const [i, value] of vector.entries()) {
      expect(value).toBeCloseTo(wanted[row]?.[i] ?? Number.NaN, 3);
    }
  });
});

test("a single vector under a token's name is one of one place", async () => {
  expect(await find("token", L)).toMatchObject({ vectors: [{ length: 8 }] });
});

test("files below the folder are found, and .safetensors come before .pt", async () => {
  expect(await find("people/face", L)).toMatchObject({ vectors: { length: 1 } });
  expect(await find("face", L)).toMatchObject({ vectors: { length: 1 } });
  expect(await find("face.pt", L)).toMatchObject({ vectors: { length: 4 } });
});

test("a file for another model says so, and a name without a file is nothing", async () => {
  expect(await find("wide", L)).toEqual({
    problem: expect.stringContaining('"wide.safetensors" has vectors of width 768'),
  });
  expect(await find("nobody", L)).toBeUndefined();
});

test("an embedding of a word's own vector encodes as the word, with its weight", async () => {
  await using runtime = createRuntime();
  const file = await folder.write("checkpoints/a.safetensors", checkpointBytes(layoutOf("sd1")));
  const key = "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight";
  const CAT = 2368;
  const { data } = await readRows(entryOf(await openWeights(file), key), CAT, CAT + 1);
  const weights = new Map([["*", data]]);
  await folder.write(
    "embeddings/cat.pt",
    torchBytes({ "*": [1, data.length] }, { wrapping: "string_to_param", weights }),
  );
  const findEmbedding = embeddingFinder(createModelFiles([folder.folder]));
  const { clip } = await loadCheckpoint(runtime, { file, findEmbedding });
  if (clip === null) throw new Error("there is no text encoder");
  const word = await encodeText(clip, "a photo of a (cat:1.3)");
  const embedding = await encodeText(clip, "a photo of a (embedding:cat:1.3)");
  expect(embedding).toEqual(word);
  expect((await encodeText(clip, "a photo of a")).context).not.toEqual(word.context);
});
