/**
 * Prompts made to keep a reader busy. What is refused here was once read in time, or told in an answer, that grows with the
 * square of the text: such a test does not end before the runner's limit where that comes back.
 */
import { expect, test } from "vitest";
import { parseJson, parsePrompt, stringifyJson } from "../../src/index.ts";
import { catalogOf, nodeInfo } from "../support/catalog.ts";
import { convert, inputsOf, load, node, save, socket } from "../support/ui.ts";
import { accepted, refused, submitted } from "../support/validate.ts";

test("an integer of more digits than Python reads is refused where it stands", () => {
  expect(parseJson(`[${"9".repeat(4_300)}]`)).toEqual([BigInt("9".repeat(4_300))]);
  expect(() => parseJson(`{"a":\n${"9".repeat(1_000_000)}}`)).toThrow(
    expect.objectContaining({
      code: "INVALID_JSON",
      message: "JSON, line 2, column 1: an integer of 1000000 digits: at most 4300 are read",
    }),
  );
});

test.each([
  ["arrays", "[", "]"],
  ["objects", '{"a":', "}"],
])("%s inside each other are read to 256 levels and refused beyond", (_kind, open, close) => {
  const nested = (depth: number) =>
    `${open.repeat(depth)}${close === "}" ? "1" : ""}${close.repeat(depth)}`;
  expect(() => parseJson(nested(256))).not.toThrow();
  for (const depth of [257, 1_000_000]) {
    expect(() => parseJson(nested(depth))).toThrow(
      /arrays and objects nest deeper than 256 levels/,
    );
  }
});

test("a text that is nearly a number is refused at once, and the refusal does not repeat all of it", async () => {
  const failure = await refused(
    submitted({ "1": { class_type: "Floats", inputs: { value: `${"1".repeat(2_000_000)}x` } } }),
  );
  const [reason] = failure.node_errors["1"]?.errors ?? [];
  expect(reason?.message).toBe("Failed to convert an input value to a FLOAT value");
  expect(reason?.details).toContain("could not convert string to float");
  expect(stringifyJson(failure).length).toBeLessThan(100_000);
});

test("circles through each node of a chain are refused in an answer of the prompt's size", async () => {
  const prompt: Record<string, unknown> = {};
  for (let i = 0; i < 20_000; i++) {
    prompt[`n${i}`] = { class_type: "Pass", inputs: { more: ["n0", 0], image: [`n${i + 1}`, 0] } };
  }
  prompt.n20000 = { class_type: "Pass", inputs: { image: ["n0", 0] } };
  prompt.out = { class_type: "Save", inputs: { images: ["n0", 0] } };
  const text = stringifyJson(prompt);
  const failure = await refused(submitted(parseJson(text)));
  expect(failure.error.details).toContain("n0 -> ");
  // A circle of 20,000 nodes that each of them named would make some two gigabytes.
  expect(stringifyJson(failure).length).toBeLessThan(40 * text.length);
});

test.each(["__proto__", "constructor", "toString", "", "hasOwnProperty", "\0", "a b/../c"])(
  "a node may be called %j, or is refused by name",
  async (id) => {
    const text = `{${JSON.stringify(id)}: {"class_type": "Plain", "inputs": {}},
      "out": {"class_type": "Save", "inputs": {"images": [${JSON.stringify(id)}, 0]}}}`;
    const parsed = parsePrompt(parseJson(text));
    if (id === "__proto__") {
      expect(parsed).toMatchObject({
        form: "invalid",
        failure: { error: { details: "Node ID '#__proto__'" } },
      });
      return;
    }
    const { prompt } = await accepted(submitted(parseJson(text)));
    expect(Object.keys(prompt)).toEqual([id, "out"]);
  },
);

test.each(["__proto__", "constructor", "toString"])(
  "a link to %j means a node of that name, not what every object has",
  async (id) => {
    const failure = await refused(
      submitted({ out: { class_type: "Save", inputs: { images: [id, 0] } } }),
    );
    expect(failure.node_errors.out?.errors[0]).toMatchObject({
      type: "exception_during_validation",
      details: `'${id}'`,
    });
  },
);

test.each(["__proto__", "constructor", "toString"])(
  "a class called %j is unknown",
  async (name) => {
    const failure = await refused(submitted({ "1": { class_type: name, inputs: {} } }));
    expect(failure.error.message).toBe(`Cannot execute because node ${name} does not exist.`);
  },
);

test("no key of a prompt reaches the prototypes of objects", () => {
  const evil = '{"__proto__": {"polluted": 1}, "constructor": {"prototype": {"polluted": 1}}}';
  const texts = [
    `{"1": {"class_type": "Save", "inputs": ${evil}}}`,
    `{"1": {"class_type": "Save", "inputs": {}, "_meta": ${evil}}}`,
    `{"nodes": [{"id": 1, "type": "Save", "properties": ${evil}, "widgets_values_named": ${evil}}], "extra": {"groupNodes": ${evil}}}`,
    `{"nodes": [{"id": "__proto__", "type": "Save", "widgets_values": ${evil}}], "links": []}`,
    evil,
  ];
  for (const text of texts) {
    const parsed = parsePrompt(parseJson(text));
    if (parsed.form === "ui") {
      try {
        convert(JSON.parse(text));
      } catch (error) {
        expect(error).toMatchObject({ code: "WORKFLOW_NOT_CONVERTIBLE" });
      }
    }
    expect(Reflect.get({}, "polluted"), text).toBeUndefined();
  }
});

test("a saved node called __proto__ is refused by name", () => {
  expect(() => convert({ nodes: [node("__proto__", "Forced")], links: [] })).toThrow(
    "node __proto__ (Forced): this id cannot be used",
  );
});

test("comments that never close do not hold up a workflow", () => {
  const text = "/* ".repeat(500_000);
  const shown = inputsOf({ nodes: [node(1, "Text", { widgets_values: [text] })], links: [] });
  expect(shown["1"]?.text).toBe(text);
});

test("a file name that asks for many widgets of many nodes gets them in one pass over the nodes", () => {
  const count = 4_096;
  const words = Array.from({ length: count }, (_, i) => `%T${i}.text%`).join("");
  const titled = Array.from({ length: count }, (_, i) =>
    node(i + 10, "Forced", { title: `T${i}`, widgets_values: ["x"] }),
  );
  const saving = save(2, 1);
  const converted = inputsOf({
    nodes: [load, { ...saving, widgets_values: [words] }, ...titled],
    links: [[1, 1, 0, 2, 0, "IMAGE"]],
  });
  expect(converted["2"]?.filename_prefix).toBe("x".repeat(count));
});

test("a file name that asks for a long text over and over is refused, and so is one that asks for it once", () => {
  const long = node(10, "Forced", { title: "T", widgets_values: ["x".repeat(1_000_000)] });
  for (const count of [1, 100_000]) {
    const saving = { ...save(2, 1), widgets_values: ["%T.text%".repeat(count)] };
    expect(() =>
      convert({ nodes: [load, saving, long], links: [[1, 1, 0, 2, 0, "IMAGE"]] }),
    ).toThrow("%T.text%: widgets add more than 4096 characters to a text");
  }
});

test("a primitive's long text that goes to many widgets, each filled in anew, is refused", () => {
  const count = 2_000;
  const primitive = node(1, "PrimitiveNode", {
    properties: { "Run widget replace on values": true },
    outputs: [{ type: "STRING" }],
    widgets_values: ["%a".repeat(100_000)],
  });
  const ids = Array.from({ length: count }, (_, i) => i + 10);
  const texts = ids.map((id) =>
    node(id, "Forced", { inputs: [socket("text", "STRING", id, "text")], widgets_values: [""] }),
  );
  const links = ids.map((id) => [id, 1, 0, id, 0, "STRING"]);
  expect(() => convert({ nodes: [primitive, ...texts], links })).toThrow(
    "the workflow opens into more than 33554432 characters",
  );
});

test.each([
  ["text", node(1, "Text", { widgets_values: ["x".repeat(100_000)] })],
  ["list", node(1, "Foreign", { widgets_values_named: { value: Array(100_000).fill([1]) } })],
  ["title", node(1, "Text", { title: "x".repeat(100_000), widgets_values: [""] })],
])("a subgraph whose long %s is copied by each of its uses is refused", (_what, inner) => {
  const subgraphs = [{ id: "copied", nodes: [inner], links: [], inputs: [], outputs: [] }];
  const nodes = Array.from({ length: 10_000 }, (_, i) => node(i + 1, "copied"));
  expect(() => convert({ nodes, links: [], definitions: { subgraphs } })).toThrow(
    "the workflow opens into more than 33554432 characters",
  );
});

test("widgets that a subgraph's uses inside another show are counted with each use of that one", () => {
  const instance = node(1, "inner", {
    properties: { proxyWidgets: Array(50_000).fill(["1", "text"]) },
    widgets_values: Array(50_000).fill("x"),
  });
  const empty = { links: [], inputs: [], outputs: [] };
  const subgraphs = [
    { id: "inner", nodes: [node(1, "Text", { widgets_values: [""] })], ...empty },
    { id: "outer", nodes: [instance], ...empty },
  ];
  const nodes = Array.from({ length: 2_000 }, (_, i) => node(i + 1, "outer"));
  expect(() => convert({ nodes, links: [], definitions: { subgraphs } })).toThrow(
    "the workflow opens into more than 2000000 inputs and links",
  );
});

test("inputs that all run through one long row of reroutes are refused", () => {
  const length = 5_000;
  const reroutes = Array.from({ length }, (_, i) => ({
    ...node(i + 10, "Reroute"),
    inputs: [socket("", "*", i + 10)],
    outputs: [{ name: "", type: "*" }],
  }));
  const links: unknown[] = reroutes.map((_, i) => [i + 10, i === 0 ? 1 : i + 9, 0, i + 10, 0, "*"]);
  const users = Array.from({ length: 500 }, (_, i) => {
    const id = 100_000 + i;
    links.push([id, length + 9, 0, id, 0, "*"]);
    return node(id, "Any", { inputs: [socket("value", "*", id)], outputs: [{ type: "*" }] });
  });
  expect(() => convert({ nodes: [load, ...reroutes, ...users], links })).toThrow(
    "the links run through too many reroutes and bypassed nodes",
  );
});

test("a subgraph of many links that is used over and over is refused by what it opens into", () => {
  const links = Array.from({ length: 50_000 }, (_, i) => ({
    id: i,
    origin_id: -10,
    origin_slot: i,
    target_id: 1,
    target_slot: 0,
  }));
  const subgraphs = [{ id: "big", nodes: [], links, inputs: [], outputs: [] }];
  const nodes = Array.from({ length: 1_000 }, (_, i) => node(i + 1, "big"));
  expect(() => convert({ nodes, links: [], definitions: { subgraphs } })).toThrow(
    "the workflow opens into more than 2000000 inputs and links",
  );
});

test("bypassed nodes whose types are lists of megabytes are refused, not compared for each link", () => {
  const type = `IMAGE2${",x".repeat(1_000_000)}`;
  const ids = Array.from({ length: 1_000 }, (_, index) => index + 10);
  const bypassed = node(1, "Sample", {
    mode: 4,
    inputs: [socket("image", "IMAGE2")],
    outputs: [{ type }],
  });
  const links = ids.map((id) => [id, 1, 0, id, 0, "IMAGE"]);
  const workflow = { nodes: [bypassed, ...ids.map((id) => save(id, id))], links, version: 0.4 };
  expect(() => convert(workflow)).toThrow("too many reroutes and bypassed nodes");
});

test("a choice that is made a million times is looked for once", async () => {
  const options = Array.from({ length: 50_000 }, (_, index) => `choice ${index}`);
  const known = catalogOf(
    nodeInfo("Many", {
      required: { value: ["COMBO", { options, multiselect: true }] },
      isOutput: true,
    }),
  );
  const value = { __value__: new Array(1_000_000).fill(options.at(-1)) };
  const prompt = submitted({ "1": { class_type: "Many", inputs: { value } } });
  expect((await accepted(prompt, {}, known)).ok).toBe(true);
});
