import { expect, test } from "vitest";
import { convert, inputsOf, load, node, save, socket } from "../support/ui.ts";

test("links are read from arrays and from objects, in one file", () => {
  const inputs = inputsOf({
    version: 1,
    nodes: [load, save(2, 1), save("3", "2")],
    links: [
      [1, 1, 0, 2, 0, "IMAGE"],
      null,
      { id: "2", origin_id: 1, origin_slot: "0", target_id: "3", target_slot: 0, type: "IMAGE" },
    ],
    reroutes: [{ id: 1, parentId: 2, pos: [0, 0], linkIds: [1] }],
    extra: { reroutes: [{ id: 1 }], linkExtensions: [{ id: 1, parentId: 1 }] },
  });
  expect(inputs["2"]?.images).toEqual(["1", 0]);
  expect(inputs["3"]?.images).toEqual(["1", 0]);
});

test("a chain of reroutes is walked through, and one that starts nowhere is no link", () => {
  const reroute = (id: number, link: number | null) =>
    node(id, "Reroute", { inputs: [socket("", "*", link)], outputs: [{ type: "*" }] });
  const inputs = inputsOf({
    nodes: [load, reroute(10, 1), reroute(11, 2), save(2, 3), reroute(12, null), save(3, 4)],
    links: [
      [1, 1, 0, 10, 0, "IMAGE"],
      [2, 10, 0, 11, 0, "*"],
      [3, 11, 0, 2, 0, "IMAGE"],
      [4, 12, 0, 3, 0, "*"],
    ],
  });
  expect(inputs).toEqual({
    "1": { file: "b.png" },
    "2": { images: ["1", 0], filename_prefix: "out" },
    "3": { filename_prefix: "out" },
  });
});

test("reroutes in a circle are an error that names the node", () => {
  const workflow = {
    nodes: [
      node(10, "Reroute", { inputs: [socket("", "*", 2)], outputs: [{ type: "*" }] }),
      node(11, "Reroute", { inputs: [socket("", "*", 1)], outputs: [{ type: "*" }] }),
      save(2, 3),
    ],
    links: [
      [1, 10, 0, 11, 0, "*"],
      [2, 11, 0, 10, 0, "*"],
      [3, 11, 0, 2, 0, "*"],
    ],
  };
  expect(() => convert(workflow)).toThrow(
    expect.objectContaining({
      code: "WORKFLOW_NOT_CONVERTIBLE",
      message: "node 2 (Save): the link to images runs in a circle through node 11",
    }),
  );
});

test("a link that is not in the file, or comes from a node that is not, is no link; both are said", () => {
  const { prompt, warnings } = convert({
    nodes: [save(2, 99), save(3, 1)],
    links: [[1, 77, 0, 3, 0, "IMAGE"]],
  });
  expect([prompt["2"]?.inputs, prompt["3"]?.inputs]).toEqual([
    { filename_prefix: "out" },
    { filename_prefix: "out" },
  ]);
  expect(warnings).toEqual([
    "node 2: link 99 to images is not in the file",
    "node 3: the link to images comes from node 77, which is not in the file",
  ]);
});

test("a muted node does not come out, and inputs that it fed are left out, widgets too", () => {
  const inputs = inputsOf({
    nodes: [
      { ...load, mode: 2 },
      node(3, "Text", { mode: 2, widgets_values: ["t"] }),
      node(2, "Save", {
        inputs: [
          socket("images", "IMAGE", 1),
          socket("filename_prefix", "STRING", 2, "filename_prefix"),
        ],
        widgets_values: ["out"],
      }),
    ],
    links: [
      [1, 1, 0, 2, 0, "IMAGE"],
      [2, 3, 0, 2, 1, "STRING"],
    ],
  });
  expect(inputs).toEqual({ "2": {} });
});

test("a bypassed node hands on the input of the same position if its type fits", () => {
  const two = node(5, "Two", {
    mode: 4,
    inputs: [socket("a", "IMAGE", 1), socket("b", "IMAGE", 2)],
    outputs: [{ type: "IMAGE" }, { type: "IMAGE" }],
  });
  const other = { ...load, id: 9 };
  const inputs = inputsOf({
    nodes: [load, other, two, save(2, 3), save(3, 4)],
    links: [
      [1, 1, 0, 5, 0, "IMAGE"],
      [2, 9, 0, 5, 1, "IMAGE"],
      [3, 5, 1, 2, 0, "IMAGE"],
      [4, 5, 0, 3, 0, "IMAGE"],
    ],
  });
  expect([inputs["2"]?.images, inputs["3"]?.images]).toEqual([
    ["9", 0],
    ["1", 0],
  ]);
});

test("bypass takes the first input of the wanted type, else the first that fits, through several nodes", () => {
  const masked = node(5, "Masked", {
    mode: 4,
    inputs: [socket("mask", "MASK", 1), socket("image", "IMAGE", 2)],
    outputs: [{ type: "IMAGE" }],
  });
  const any = node(6, "Any", {
    mode: 4,
    inputs: [socket("value", "LATENT,image", 3)],
    outputs: [{ type: "*" }],
  });
  const inputs = inputsOf({
    nodes: [load, masked, any, save(2, 4)],
    links: [
      [1, 1, 1, 5, 0, "MASK"],
      [2, 1, 0, 5, 1, "IMAGE"],
      [3, 5, 0, 6, 0, "IMAGE"],
      [4, 6, 0, 2, 0, "*"],
    ],
  });
  expect(inputs["2"]?.images).toEqual(["1", 0]);
});

test("a wanted type of * takes the input of the same position, else the first", () => {
  const bypassed = node(5, "Masked", {
    mode: 4,
    inputs: [socket("mask", "MASK", 1), socket("image", "IMAGE", 2)],
    outputs: [{ type: "IMAGE" }, { type: "X" }, { type: "X" }],
  });
  const any = (id: number, link: number) =>
    node(id, "Any", { inputs: [socket("value", "*", link)] });
  const inputs = inputsOf({
    nodes: [load, bypassed, any(2, 3), any(3, 4)],
    links: [
      [1, 1, 1, 5, 0, "MASK"],
      [2, 1, 0, 5, 1, "IMAGE"],
      [3, 5, 1, 2, 0, "*"],
      [4, 5, 2, 3, 0, "*"],
    ],
  });
  expect([inputs["2"]?.value, inputs["3"]?.value]).toEqual([
    ["1", 0],
    ["1", 1],
  ]);
});

test("with no way through a bypassed node the widget keeps its value", () => {
  const inputs = inputsOf({
    nodes: [
      node(5, "Load", { mode: 4, outputs: [{ type: "IMAGE" }] }),
      node(6, "Text", { mode: 4, inputs: [], outputs: [{ type: "STRING" }] }),
      node(2, "Save", {
        inputs: [
          socket("images", "IMAGE", 1),
          socket("filename_prefix", "STRING", 2, "filename_prefix"),
        ],
        widgets_values: ["kept"],
      }),
    ],
    links: [
      [1, 5, 0, 2, 0, "IMAGE"],
      [2, 6, 0, 2, 1, "STRING"],
    ],
  });
  expect(inputs["2"]).toEqual({ filename_prefix: "kept" });
});

test("a primitive writes its value into the widgets it feeds, and through a reroute into none", () => {
  const inputs = inputsOf({
    nodes: [
      load,
      node(7, "PrimitiveNode", {
        widgets_values: [42, "randomize"],
        outputs: [{ type: "INT", widget: { name: "steps" } }],
      }),
      node(8, "Reroute", { inputs: [socket("", "*", 2)], outputs: [{ type: "*" }] }),
      node(2, "Sample", {
        inputs: [
          socket("image", "IMAGE", 1),
          socket("steps", "INT", 3, "steps"),
          socket("seed", "INT", 4, "seed"),
        ],
        widgets_values: [7, "fixed", 30, "heun", 0.25],
      }),
    ],
    links: [
      [1, 1, 0, 2, 0, "IMAGE"],
      [2, 7, 0, 8, 0, "INT"],
      [3, 7, 0, 2, 1, "INT"],
      [4, 8, 0, 2, 2, "INT"],
    ],
  });
  expect(inputs["2"]).toEqual({
    seed: 7,
    steps: 42,
    name: "heun",
    strength: 0.25,
    image: ["1", 0],
  });
});

test("notes do not come out, and nodes that nothing needs do", () => {
  const { prompt } = convert({
    nodes: [
      node(1, "Note", { widgets_values: ["hello"] }),
      node(2, "MarkdownNote"),
      load && { ...load, id: 3, mode: 1 },
    ],
    links: [],
  });
  expect(Object.keys(prompt)).toEqual(["3"]);
});
