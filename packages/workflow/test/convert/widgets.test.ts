import { expect, test } from "vitest";
import { convert, inputsOf, node, save, socket } from "../support/ui.ts";

test("the control and upload slots hold their place and never enter the prompt", () => {
  const inputs = inputsOf({
    nodes: [
      node(1, "Load", { widgets_values: ["b.png", "image"] }),
      node(2, "Sample", { widgets_values: [7, "randomize", 30, "heun", 0.25] }),
    ],
    links: [],
  });
  expect(inputs).toEqual({
    "1": { file: "b.png" },
    "2": { seed: 7, steps: 30, name: "heun", strength: 0.25 },
  });
});

test("what a short array lacks starts as in the page, and what a long one has too much is ignored", () => {
  const inputs = inputsOf({
    nodes: [
      node(1, "Sample", { widgets_values: [7, "fixed"] }),
      node(2, "Text", { widgets_values: ["t", "preview"] }),
      node(3, "Load"),
    ],
    links: [],
  });
  expect(inputs).toEqual({
    "1": { seed: 7, steps: 20, name: "euler", strength: 0.5 },
    "2": { text: "t" },
    "3": { file: "a.png" },
  });
});

test("null in a slot is the saved value", () => {
  expect(inputsOf({ nodes: [node(1, "Text", { widgets_values: [null] })], links: [] })).toEqual({
    "1": { text: null },
  });
});

test("values by name are taken by name, with defaults for the missing, and unknown names are dropped", () => {
  const widgets_values = {
    steps: 5,
    seed: 1,
    preview: { hidden: true },
    control_after_generate: "fixed",
  };
  expect(inputsOf({ nodes: [node(1, "Sample", { widgets_values })], links: [] })).toEqual({
    "1": { seed: 1, steps: 5, name: "euler", strength: 0.5 },
  });
});

test("a list is wrapped, because a bare one means a link", () => {
  expect(inputsOf({ nodes: [node(1, "Text", { widgets_values: [["1", 0]] })], links: [] })).toEqual(
    {
      "1": { text: { __value__: ["1", 0] } },
    },
  );
});

test("a seed above 2^53 keeps every digit", () => {
  const { prompt } = convert({
    nodes: [node(1, "Sample", { widgets_values: [18446744073709551615n, "fixed", 1, "euler", 1] })],
    links: [],
  });
  expect(prompt["1"]?.inputs.seed).toBe(18446744073709551615n);
});

test("a value that is no choice stays as it is: the server answers for it", () => {
  expect(
    inputsOf({ nodes: [node(1, "Load", { widgets_values: ["gone.png"] })], links: [] }),
  ).toEqual({
    "1": { file: "gone.png" },
  });
});

test("a link takes the place of the widget's value, which keeps its slot", () => {
  const inputs = inputsOf({
    nodes: [
      node(1, "Text", { widgets_values: ["t"] }),
      node(2, "Sample", {
        inputs: [socket("image", "IMAGE"), socket("steps", "INT", 5, "steps")],
        widgets_values: [7, "fixed", 30, "heun", 0.25],
      }),
    ],
    links: [[5, 1, 0, 2, 1, "INT"]],
  });
  expect(inputs["2"]).toEqual({ seed: 7, steps: ["1", 0], name: "heun", strength: 0.25 });
  expect(Object.keys(inputs["2"] ?? {})).toEqual(["seed", "steps", "name", "strength"]);
});

test("an input that is only a socket has a dummy in files of old pages, and none in new ones", () => {
  const withDummy = inputsOf({
    nodes: [node(1, "Forced", { widgets_values: [0, "kept"] })],
    links: [],
  });
  const without = inputsOf({ nodes: [node(1, "Forced", { widgets_values: ["kept"] })], links: [] });
  expect([withDummy["1"], without["1"]]).toEqual([{ text: "kept" }, { text: "kept" }]);
});

test("a dynamic choice is followed by the widgets of what was chosen, under dotted names", () => {
  const inputs = inputsOf({
    nodes: [
      node(1, "Dynamic", { widgets_values: ["plain", "z"] }),
      node(2, "Dynamic", { widgets_values: ["sized", 64, 9, "randomize", "z"] }),
      node(3, "Dynamic", { widgets_values: { mode: "sized", "mode.width": 32, last: "z" } }),
    ],
    links: [],
  });
  expect(inputs).toEqual({
    "1": { mode: "plain", last: "z" },
    "2": { mode: "sized", "mode.width": 64, "mode.seed": 9, last: "z" },
    "3": { mode: "sized", "mode.width": 32, "mode.seed": 0, last: "z" },
  });
});

test("the title is the node's own, else that of its class", () => {
  const { prompt } = convert({
    nodes: [node(1, "Load", { title: "My file" }), save(2, null)],
    links: [],
  });
  expect([prompt["1"]?._meta, prompt["2"]?._meta]).toEqual([
    { title: "My file" },
    { title: "Save" },
  ]);
});
