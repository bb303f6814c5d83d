import { expect, test } from "vitest";
import { END_TOKEN, START_TOKEN } from "../../src/text/clip-tokenizer.ts";
import { emptyRow, type TokenRowOptions, tokenRows } from "../../src/text/token-rows.ts";

/** Words are numbers, rows ten long. */
const options: TokenRowOptions = {
  tokenize: (text) => text.split(" ").filter(Boolean).map(Number),
  length: 10,
  padding: 0,
  embedding: async (name) =>
    name === "known" ? [new Float32Array([1]), new Float32Array([2])] : undefined,
};

const [S, E] = [START_TOKEN, END_TOKEN];
const ids = async (prompt: string) =>
  (await tokenRows(prompt, options)).map((row) => row.map(({ id }) => id));

test("a row is start, text, end and padding", async () => {
  expect(await ids("1 2 3")).toEqual([[S, 1, 2, 3, E, 0, 0, 0, 0, 0]]);
  expect(emptyRow(options).map(({ id }) => id)).toEqual([S, E, 0, 0, 0, 0, 0, 0, 0, 0]);
});

test("an empty prompt is one row", async () => {
  expect(await ids("")).toEqual([[S, E, 0, 0, 0, 0, 0, 0, 0, 0]]);
});

test("a text that fills its row exactly does not start another", async () => {
  expect(await ids("1 2 3 4 5 6 7 8")).toEqual([[S, 1, 2, 3, 4, 5, 6, 7, 8, E]]);
});

test("a long text is cut where the row is full", async () => {
  expect(await ids("1 2 3 4 5 6 7 8 9")).toEqual([
    [S, 1, 2, 3, 4, 5, 6, 7, 8, E],
    [S, 9, E, 0, 0, 0, 0, 0, 0, 0],
  ]);
});

test("a short part moves to the next row as a whole", async () => {
  expect(await ids("1 2 3 4 5 6 (7 8 9:2)")).toEqual([
    [S, 1, 2, 3, 4, 5, 6, E, 0, 0],
    [S, 7, 8, 9, E, 0, 0, 0, 0, 0],
  ]);
});

test("tokens carry the weight of their part", async () => {
  const [row = []] = await tokenRows("1 (2:1.5)", options);
  expect(row.slice(0, 4).map(({ weight }) => weight)).toEqual([1, 1, 1.5, 1]);
});

test("an embedding takes one place for each of its vectors, at the weight of its part", async () => {
  const [row = []] = await tokenRows("1 (embedding:known 2:1.5)", options);
  expect(row.slice(1, 5).map(({ vector, weight }) => [vector?.[0], weight])).toEqual([
    [undefined, 1],
    [1, 1.5],
    [2, 1.5],
    [undefined, 1.5],
  ]);
});

test("a comma behind an embedding's name is text", async () => {
  const commas: number[] = [];
  await tokenRows("embedding:known, 2", {
    ...options,
    tokenize: (text) => {
      commas.push(text.indexOf(","));
      return [];
    },
  });
  expect(commas).toEqual([0]);
});

test("an embedding that is not there is left out", async () => {
  expect(await ids("1 embedding:unknown 2")).toEqual([[S, 1, 2, E, 0, 0, 0, 0, 0, 0]]);
});

test("many tokens, and commas that end no name, take time by their number only", async () => {
  const rows = await tokenRows("1 ".repeat(600_000), options);
  expect(rows.length).toBe(75_000);
  await tokenRows(`embedding:${",".repeat(300_000)}x`, options);
});
