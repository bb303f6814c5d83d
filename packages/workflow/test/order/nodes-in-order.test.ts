import fc from "fast-check";
import { expect, test } from "vitest";
import { nodesInOrder } from "../../src/index.ts";

const node = (...sources: string[]) => ({
  inputs: Object.fromEntries(sources.map((source, i) => [`in${i}`, [source, 0]])),
});

test("only what the outputs need is in the order, each once, sources first", () => {
  const prompt = { out: node("b", "a"), b: node("a"), a: node(), unused: node("a") };
  expect(nodesInOrder(prompt, ["out", "b"])).toEqual({ order: ["a", "b", "out"] });
});

test("a circle is given from the node it starts at", () => {
  const prompt = { out: node("a"), a: node("b"), b: node("c"), c: node("a") };
  expect(nodesInOrder(prompt, ["out"])).toEqual({ cycle: ["a", "b", "c", "a"] });
  expect(nodesInOrder({ a: node("a") }, ["a"])).toEqual({ cycle: ["a", "a"] });
});

test("links to nodes that are not there are skipped, whatever they are called", () => {
  expect(nodesInOrder({ a: node("gone", "constructor", "__proto__") }, ["a"])).toEqual({
    order: ["a"],
  });
});

test("a chain of 100,000 nodes is put in order", () => {
  const prompt = Object.fromEntries(
    Array.from({ length: 100_000 }, (_, i) => [`n${i}`, i === 0 ? node() : node(`n${i - 1}`)]),
  );
  const result = nodesInOrder(prompt, ["n99999"]);
  expect("order" in result && result.order.slice(0, 2)).toEqual(["n0", "n1"]);
});

test("in the order of any graph without a circle every link points backwards", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 40 }),
      (rows) => {
        const prompt = Object.fromEntries(
          rows.map((sources, i) => [
            `n${i}`,
            i === 0 ? node() : node(...sources.map((source) => `n${source % i}`)),
          ]),
        );
        const result = nodesInOrder(prompt, Object.keys(prompt).reverse());
        if (!("order" in result)) throw new Error(`a circle in ${JSON.stringify(prompt)}`);
        const position = new Map(result.order.map((id, i) => [id, i]));
        expect(position.size).toBe(rows.length);
        for (const [id, { inputs }] of Object.entries(prompt)) {
          for (const [source] of Object.values(inputs)) {
            expect(position.get(String(source))).toBeLessThan(position.get(id) ?? -1);
          }
        }
      },
    ),
  );
});
