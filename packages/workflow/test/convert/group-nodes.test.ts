import { expect, test } from "vitest";
import { inputsOf, load, node, save, socket } from "../support/ui.ts";

/** Inside: a reroute at the edge, two samplers in a row, a primitive for the second one's steps. */
const group = {
  nodes: [
    node(-1, "Reroute", { index: 0, inputs: [socket("", "*", 90)], outputs: [{ type: "*" }] }),
    node(-1, "Sample", {
      index: 1,
      inputs: [socket("image", "IMAGE", 91), socket("steps", "INT", null, "steps")],
      outputs: [{ type: "IMAGE" }],
      widgets_values: [1, "fixed", 10, "euler", 0.1],
    }),
    node(-1, "Sample", {
      index: 2,
      inputs: [socket("image", "IMAGE", 92), socket("steps", "INT", 93, "steps")],
      outputs: [{ type: "IMAGE" }],
      widgets_values: [2, "fixed", 20, "heun"],
    }),
    node(-1, "PrimitiveNode", {
      index: 3,
      outputs: [{ type: "INT" }],
      widgets_values: [55, "fixed"],
    }),
  ],
  links: [
    [null, 0, 0, 0, 7, "IMAGE"],
    [0, 0, 1, 0, 7, "IMAGE"],
    [1, 0, 2, 0, 8, "IMAGE"],
    [3, 0, 2, 1, 9, "INT"],
  ],
  external: [[1, 0, "IMAGE"]],
  config: {},
};

const workflow = (
  instance: Record<string, unknown>,
  definition: Record<string, unknown> = group,
) => ({
  nodes: [load, instance, save(8, 2), save(9, 3)],
  links: [
    [1, 1, 0, 5, 0, "IMAGE"],
    [2, 5, 0, 8, 0, "IMAGE"],
    [3, 5, 1, 9, 0, "IMAGE"],
  ],
  extra: { groupNodes: { Pair: definition } },
});

const instance = node(5, "workflow>Pair", {
  inputs: [socket("IMAGE", "IMAGE", 1)],
  outputs: [{ type: "IMAGE" }, { type: "IMAGE" }],
});

test("a group node is replaced by its parts, which go by their position", () => {
  const inputs = inputsOf(workflow(instance));
  expect(inputs).toEqual({
    "1": { file: "b.png" },
    "5:1": { image: ["1", 0], seed: 1, steps: 10, name: "euler", strength: 0.1 },
    "5:2": { image: ["5:1", 0], seed: 2, steps: 55, name: "heun", strength: 0.5 },
    "8": { images: ["5:1", 0], filename_prefix: "out" },
    "9": { images: ["5:2", 0], filename_prefix: "out" },
  });
});

test("the instance's values are dealt out: plain widgets of all parts first, then those with sockets", () => {
  const widgets_values = [11, "fixed", "heun", 0.9, 22, "fixed", "euler", 66, "fixed", 33];
  const inputs = inputsOf(workflow({ ...instance, type: "workflow/Pair", widgets_values }));
  expect(inputs["5:1"]).toEqual({
    image: ["1", 0],
    seed: 11,
    steps: 33,
    name: "heun",
    strength: 0.9,
  });
  expect(inputs["5:2"]).toEqual({
    image: ["5:1", 0],
    seed: 22,
    steps: 66,
    name: "euler",
    strength: 0.5,
  });
});

test("hidden inputs are not among the instance's", () => {
  const hidden = { ...group, config: { 0: { input: { "": { visible: false } } } } };
  const inputs = inputsOf(
    workflow({ ...instance, inputs: [socket("steps", "INT", 1, "steps")] }, hidden),
  );
  expect(inputs["5:1"]).toMatchObject({ steps: ["1", 0] });
  expect(inputs["5:1"]).not.toHaveProperty("image");
});

test("a bypassed group hands on by the instance's own slots", () => {
  const inputs = inputsOf(workflow({ ...instance, mode: 4 }));
  expect(Object.keys(inputs)).toEqual(["1", "8", "9"]);
  expect(inputs["9"]?.images).toEqual(["1", 0]);
});
