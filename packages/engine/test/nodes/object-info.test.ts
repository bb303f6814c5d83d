/**
 * The declarations of ComfyUI 0.3.64, cut from its /object_info (recorded without descriptions and
 * tooltips) to the nodes of this package.
 */
import { readFileSync } from "node:fs";
import { parseJson } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import * as z from "zod";
import { nodeCatalogEntry } from "../../src/nodes/catalog-entry.ts";
import { coreNodes } from "../../src/nodes/core-nodes.ts";

const recorded = z
  .record(z.string(), z.record(z.string(), z.unknown()))
  .parse(parseJson(readFileSync(new URL("../fixtures/object-info.json", import.meta.url), "utf8")));
const nodes = coreNodes();

test.each(nodes.filter(({ name }) => name in recorded).map((node) => [node.name, node] as const))(
  "%s is declared as ComfyUI declares it",
  (name, node) => {
    const { description: _, ...info } = nodeCatalogEntry(node).info;
    expect(info).toEqual(recorded[name]);
  },
);

test("the order of inputs is ComfyUI's", () => {
  for (const node of nodes) {
    const expected = recorded[node.name]?.input_order;
    if (expected === undefined) continue;
    expect(JSON.stringify(nodeCatalogEntry(node).info.input_order)).toBe(JSON.stringify(expected));
  }
});

test("every recorded node is there, and no two nodes share a name", () => {
  const names = nodes.map(({ name }) => name);
  expect(Object.keys(recorded).filter((name) => !names.includes(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});
