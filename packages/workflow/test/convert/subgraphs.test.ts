import { expect, test } from "vitest";
import { convert, inputsOf, load, node, save, socket } from "../support/ui.ts";

/** Picture in, sampler, picture out; `steps` and `seed` are shown outside. */
const subgraph = {
  id: "uuid-a",
  name: "Sampling",
  inputNode: { id: -10 },
  outputNode: { id: -20 },
  inputs: [
    { id: "i0", name: "picture", type: "IMAGE" },
    { id: "i1", name: "seed", type: "INT" },
    { id: "i2", name: "steps", type: "INT" },
  ],
  outputs: [{ id: "o0", name: "IMAGE", type: "IMAGE" }],
  nodes: [
    node(27, "Sample", {
      inputs: [
        socket("image", "IMAGE", 1),
        socket("seed", "INT", 2, "seed"),
        socket("steps", "INT", 3, "steps"),
      ],
      outputs: [{ type: "IMAGE" }],
      widgets_values: [7, "fixed", 30, "heun", 0.25],
    }),
    node(28, "Note"),
  ],
  links: [
    { id: 1, origin_id: -10, origin_slot: 0, target_id: 27, target_slot: 0, type: "IMAGE" },
    { id: 2, origin_id: -10, origin_slot: 1, target_id: 27, target_slot: 1, type: "INT" },
    { id: 3, origin_id: -10, origin_slot: 2, target_id: 27, target_slot: 2, type: "INT" },
    { id: 4, origin_id: 27, origin_slot: 0, target_id: -20, target_slot: 0, type: "IMAGE" },
  ],
};

const instance = (more: Record<string, unknown> = {}) =>
  node(57, "uuid-a", {
    inputs: [socket("picture", "IMAGE", 1)],
    outputs: [{ type: "IMAGE" }],
    ...more,
  });

const around = (...instances: Record<string, unknown>[]) => ({
  nodes: [load, ...instances, save(9, 2)],
  links: [
    [1, 1, 0, 57, 0, "IMAGE"],
    [2, 57, 0, 9, 0, "IMAGE"],
  ],
  definitions: { subgraphs: [subgraph] },
});

test("an instance is replaced by its inner nodes, joined to both sides", () => {
  expect(inputsOf(around(instance()))).toEqual({
    "1": { file: "b.png" },
    "57:27": { image: ["1", 0], seed: 7, steps: 30, name: "heun", strength: 0.25 },
    "9": { images: ["57:27", 0], filename_prefix: "out" },
  });
});

test("values of the instance win over those inside, and null leaves the inner ones", () => {
  const plain = instance({ widgets_values: [8, 40] });
  const withControl = instance({ widgets_values: [8, "randomize", 40] });
  const proxied = instance({
    widgets_values: [null, 40, 0.5],
    properties: {
      proxyWidgets: [
        ["27", "seed"],
        ["-1", "steps"],
        ["27", "strength"],
      ],
    },
  });
  const shown = [plain, withControl, proxied].map((given) => {
    const { seed, steps, strength } = inputsOf(around(given))["57:27"] ?? {};
    return [seed, steps, strength];
  });
  expect(shown).toEqual([
    [8, 40, 0.25],
    [8, 40, 0.25],
    [7, 40, 0.5],
  ]);
});

test("a link into a shown widget wins over every value, and so does a primitive", () => {
  const workflow = around(
    instance({
      inputs: [
        socket("steps", "INT", 3, "steps"),
        socket("picture", "IMAGE", 1),
        socket("seed", "INT", 4, "seed"),
      ],
      widgets_values: [8, 40],
    }),
    node(60, "Text", { widgets_values: ["t"] }),
    node(61, "PrimitiveNode", { widgets_values: [99, "fixed"] }),
  );
  const links = [...workflow.links, [3, 60, 0, 57, 0, "INT"], [4, 61, 0, 57, 2, "INT"]];
  const inputs = inputsOf({ ...workflow, links });
  expect(inputs["57:27"]).toEqual({
    image: ["1", 0],
    seed: 99,
    steps: ["60", 0],
    name: "heun",
    strength: 0.25,
  });
});

test("subgraphs nest, and one definition may be used many times", () => {
  const outer = {
    id: "uuid-b",
    inputNode: { id: -10 },
    outputNode: { id: -20 },
    inputs: [{ name: "image", type: "IMAGE" }],
    outputs: [{ name: "IMAGE", type: "IMAGE" }],
    nodes: [
      node(5, "uuid-a", {
        inputs: [socket("picture", "IMAGE", 1)],
        outputs: [{ type: "IMAGE" }],
        widgets_values: [1, 11],
      }),
      node(6, "uuid-a", {
        inputs: [socket("picture", "IMAGE", 2)],
        outputs: [{ type: "IMAGE" }],
        widgets_values: [2, 22],
      }),
    ],
    links: [
      { id: 1, origin_id: -10, origin_slot: 0, target_id: 5, target_slot: 0 },
      { id: 2, origin_id: 5, origin_slot: 0, target_id: 6, target_slot: 0 },
      { id: 3, origin_id: 6, origin_slot: 0, target_id: -20, target_slot: 0 },
    ],
    definitions: { subgraphs: [subgraph] },
  };
  const inputs = inputsOf({
    nodes: [
      load,
      node(57, "uuid-b", { inputs: [socket("image", "IMAGE", 1)], outputs: [{ type: "IMAGE" }] }),
      save(9, 2),
    ],
    links: around().links,
    definitions: { subgraphs: [outer] },
  });
  expect(inputs).toEqual({
    "1": { file: "b.png" },
    "57:5:27": { image: ["1", 0], seed: 1, steps: 11, name: "heun", strength: 0.25 },
    "57:6:27": { image: ["57:5:27", 0], seed: 2, steps: 22, name: "heun", strength: 0.25 },
    "9": { images: ["57:6:27", 0], filename_prefix: "out" },
  });
});

test("a bypassed instance hands on by its own slots, and a muted one comes out nowhere", () => {
  const bypassed = inputsOf(around(instance({ mode: 4 })));
  expect(bypassed).toEqual({
    "1": { file: "b.png" },
    "9": { images: ["1", 0], filename_prefix: "out" },
  });
  const muted = inputsOf(around(instance({ mode: 2 })));
  expect(muted).toEqual({ "1": { file: "b.png" }, "9": { filename_prefix: "out" } });
});

test("a subgraph that contains itself is an error that names the node", () => {
  const loop = { ...subgraph, nodes: [...subgraph.nodes, node(30, "uuid-a")] };
  expect(() => convert({ ...around(instance()), definitions: { subgraphs: [loop] } })).toThrow(
    expect.objectContaining({
      code: "WORKFLOW_NOT_CONVERTIBLE",
      message: "node 57:30 (uuid-a): its subgraph contains itself",
    }),
  );
});

test("a small file cannot open into millions of nodes", () => {
  const level = (name: string, inner: string) => ({
    id: name,
    inputs: [],
    outputs: [],
    nodes: Array.from({ length: 10 }, (_, i) => node(i, inner)),
    links: [],
  });
  const subgraphs = Array.from({ length: 8 }, (_, i) =>
    level(`level ${i}`, i === 0 ? "Load" : `level ${i - 1}`),
  );
  expect(() =>
    convert({ nodes: [node(1, "level 7")], links: [], definitions: { subgraphs } }),
  ).toThrow("the workflow opens into more than 50000 nodes");
});
