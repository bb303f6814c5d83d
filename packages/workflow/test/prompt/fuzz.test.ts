/** Prompts that were right before something in them was changed: each is accepted, or refused in words, by every reader. */
import fc from "fast-check";
import { expect, inject, test } from "vitest";
import {
  convertWorkflow,
  parseJson,
  parsePrompt,
  stringifyJson,
  validatePrompt,
} from "../../src/index.ts";
import { load, node, save, socket } from "../support/ui.ts";
import { catalog, source } from "../support/validate.ts";

/** Printed in titles: put a failure's here to see the same prompts again. */
const seed = inject("fuzzSeed");

const api = {
  "1": { class_type: "Source", inputs: source },
  "2": { class_type: "Pass", inputs: { image: ["1", 0], more: ["3", 0] } },
  "3": { class_type: "Plain", inputs: {} },
  "4": { class_type: "Choose", inputs: { v1: "a", v3: { __value__: ["x"] } } },
  "5": { class_type: "Load", inputs: { model: "m", image: "a.png [output]" } },
  out: { class_type: "Save", inputs: { images: ["2", 0] }, _meta: { title: "t" } },
};
const ui = {
  nodes: [
    load,
    node(2, "Sample", {
      inputs: [socket("image", "IMAGE", 1)],
      widgets_values: [1, "fixed", 20, "euler", 1],
    }),
    save(3, 2),
    node(4, "s1", { inputs: [socket("in", "IMAGE", 1)], outputs: [{ type: "IMAGE" }] }),
    node(5, "Reroute", { inputs: [socket("", "*", 1)], outputs: [{ type: "*" }] }),
    node(6, "workflow/g", { widgets_values: ["x"] }),
  ],
  links: [
    [1, 1, 0, 2, 0, "IMAGE"],
    [2, 2, 0, 3, 0, "IMAGE"],
  ],
  definitions: {
    subgraphs: [
      {
        id: "s1",
        inputNode: { id: -10 },
        outputNode: { id: -20 },
        inputs: [{ name: "in", type: "IMAGE" }],
        outputs: [{ name: "out", type: "IMAGE" }],
        nodes: [node(1, "Any", { inputs: [socket("value", "*", 1)] })],
        links: [{ id: 1, origin_id: -10, origin_slot: 0, target_id: 1, target_slot: 0 }],
      },
    ],
  },
  extra: {
    groupNodes: {
      g: { nodes: [node(0, "Text", { widgets_values: ["t"] })], links: [], external: [] },
    },
  },
};

const keys = fc.constantFrom(
  "1",
  "out",
  "inputs",
  "class_type",
  "nodes",
  "links",
  "id",
  "type",
  "__proto__",
  "constructor",
  "toString",
  "__value__",
  "",
  "s1",
  "link",
);
const values: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(
    null,
    true,
    0,
    -1,
    1.5,
    1e308,
    2n ** 64n,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    "",
    "1",
    "Save",
    "Pass",
    "s1",
    "__proto__",
    "{a|{b",
    "%date:%%a.b%",
    "/*",
    [],
    ["1", 0],
    ["out", 0],
    ["1", -9],
    ["__proto__", 0],
    [["1"], 0],
    {},
    { __value__: ["1", 0] },
  ),
  fc.string(),
  fc.jsonValue({ maxDepth: 3 }),
);
type Change = readonly [
  path: readonly number[],
  how: "set" | "delete" | "rename" | "copy",
  key: string,
  value: unknown,
];
const change: fc.Arbitrary<Change> = fc.tuple(
  fc.array(fc.nat(20), { minLength: 1, maxLength: 7 }),
  fc.constantFrom("set" as const, "delete" as const, "rename" as const, "copy" as const),
  keys,
  values,
);

/** Goes down along the path, by position, and changes what is there. */
function changed(value: unknown, [path, how, key, given]: Change): unknown {
  if (typeof value !== "object" || value === null) return given;
  const [at = 0, ...rest] = path;
  if (Array.isArray(value)) {
    if (value.length === 0) return [given];
    const index = at % value.length;
    if (rest.length > 0) return value.with(index, changed(value[index], [rest, how, key, given]));
    if (how === "delete") return value.toSpliced(index, 1);
    return how === "copy" ? [...value, value[index]] : value.with(index, given);
  }
  const members: [string, unknown][] = Object.entries(value);
  const member = members[at % Math.max(1, members.length)];
  if (member === undefined) return Object.fromEntries([[key, given]]);
  const [name, inner] = member;
  const others = members.filter((each) => each !== member);
  if (rest.length > 0)
    return Object.fromEntries([...others, [name, changed(inner, [rest, how, key, given])]]);
  if (how === "delete") return Object.fromEntries(others);
  if (how === "rename") return Object.fromEntries([...others, [key, inner]]);
  return Object.fromEntries([...members, how === "copy" ? [key, inner] : [name, given]]);
}

async function read(prompt: unknown): Promise<void> {
  // As it comes off the wire, with keys that only a text can have.
  const parsed = parsePrompt(parseJson(stringifyJson(prompt)));
  if (parsed.form === "invalid") {
    expect(parsed.failure.error.message).not.toBe("");
    return;
  }
  let graph = parsed.form === "api" ? parsed.prompt : undefined;
  if (parsed.form === "ui") {
    try {
      const nodeInfo = (name: string) =>
        Object.hasOwn(catalog, name) ? catalog[name]?.info : undefined;
      graph = convertWorkflow(parsed.workflow, { nodeInfo }).prompt;
    } catch (error) {
      expect(error).toMatchObject({ code: "WORKFLOW_NOT_CONVERTIBLE" });
      return;
    }
  }
  const validation = await validatePrompt(graph ?? {}, catalog, {
    fileExists: () => false,
    modelFiles: () => ["m"],
  });
  const told = validation.ok ? validation.prompt : validation.failure;
  expect(() => parseJson(stringifyJson(told))).not.toThrow();
}

test.each([
  ["API form", api],
  ["the editor's form", ui],
])(`a prompt in %s, changed (seed ${seed})`, async (_form, whole) => {
  await read(whole);
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
      await read(changes.reduce<unknown>((value, each) => changed(value, each), whole));
      expect(Reflect.get({}, "class_type")).toBeUndefined();
    }),
    { seed, numRuns: 3_000 },
  );
});
