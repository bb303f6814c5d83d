import { expect, test } from "vitest";
import { convert, inputsOf, load, node, save, socket } from "../support/ui.ts";

test("every node of a type that nobody knows is named, with its title", () => {
  const workflow = {
    nodes: [node(1, "Alien", { title: "From afar" }), node(2, "Odd"), load],
    links: [],
  };
  expect(() => convert(workflow)).toThrow(
    expect.objectContaining({
      code: "WORKFLOW_NOT_CONVERTIBLE",
      message:
        'node 1 (Alien, "From afar"): no worker knows this node type; node 2 (Odd): no worker knows this node type',
      details: {
        nodes: [
          { id: "1", type: "Alien", title: "From afar", reason: "no worker knows this node type" },
          { id: "2", type: "Odd", title: null, reason: "no worker knows this node type" },
        ],
      },
    }),
  );
});

test("an unknown type is no error where the node is muted or bypassed", () => {
  const inputs = inputsOf({
    nodes: [
      load,
      node(2, "Alien", {
        mode: 4,
        inputs: [socket("x", "IMAGE", 1)],
        outputs: [{ type: "IMAGE" }],
      }),
      node(3, "Alien", { mode: 2 }),
      save(4, 2),
    ],
    links: [
      [1, 1, 0, 2, 0, "IMAGE"],
      [2, 2, 0, 4, 0, "IMAGE"],
    ],
  });
  expect(inputs["4"]?.images).toEqual(["1", 0]);
});

test("an unknown type is converted where the file has its values by name", () => {
  const inputs = inputsOf({
    nodes: [
      load,
      node(2, "Alien", {
        inputs: [socket("picture", "IMAGE", 1)],
        widgets_values: [1, "fixed", "s"],
        widgets_values_named: { seed: 1, control_after_generate: "fixed", style: "s" },
      }),
    ],
    links: [[1, 1, 0, 2, 0, "IMAGE"]],
  });
  expect(inputs["2"]).toEqual({ seed: 1, style: "s", picture: ["1", 0] });
});

test("a value that only a browser makes is an error that says so", () => {
  expect(() =>
    convert({ nodes: [node(4, "Camera", { widgets_values: [""] })], links: [] }),
  ).toThrow("node 4 (Camera): its input picture is made in the browser");
});

test("a node named like a part of JavaScript's objects is a node like any other", () => {
  for (const type of ["constructor", "__proto__", "toString"]) {
    expect(() => convert({ nodes: [node("__proto__", type)], links: [] })).toThrow(
      "no worker knows this node type",
    );
  }
});
