import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { nodes } from "../../../../test/node-packs/comfyui-execution/index.ts";
import { createRegistry, nodeCatalog } from "../../src/index.ts";

/** What ComfyUI 0.3.64 answers about the pack, without descriptions. */
const recorded: Record<string, unknown> = JSON.parse(
  readFileSync(new URL("../fixtures/test-nodes.json", import.meta.url), "utf8"),
);
const catalog = nodeCatalog(createRegistry(nodes));

test("the pack has the 52 classes of the suite and no other", () => {
  expect(Object.keys(catalog).length).toBe(52);
  expect(new Set(Object.keys(catalog))).toEqual(new Set(Object.keys(recorded)));
});

test.each(Object.keys(recorded))(
  "%s is declared as ComfyUI declares it, inputs in the same order",
  (name) => {
    const declared = catalog[name];
    if (declared === undefined) throw new Error(`the pack has no ${name}`);
    const { description: _, ...info } = declared.info;
    expect(info).toEqual(recorded[name]);
    expect(JSON.stringify(info.input)).toBe(
      JSON.stringify(Reflect.get(Object(recorded[name]), "input")),
    );
  },
);
