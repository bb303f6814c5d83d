import { expect, test } from "vitest";
import { catalogOf, nodeInfo, recordedCatalog } from "../support/catalog.ts";
import { accepted, refused } from "../support/validate.ts";

const catalog = catalogOf(
  nodeInfo("Plain", { output: ["IMAGE"] }),
  nodeInfo("Grown", {
    required: {
      images: ["IMAGE"],
      strength: ["FLOAT", { default: 1 }],
      count: ["INT", { default: 6 }],
      crop: [["center", "none"]],
      style: ["COMBO", { options: ["regular", "nested"], default: "nested" }],
    },
    isOutput: true,
  }),
  nodeInfo("Loader", { required: { images: ["IMAGE"], file: [["a", "b"]] }, isOutput: true }),
  nodeInfo("Pair", {
    required: { images: ["IMAGE"], mask: ["IMAGE"], grow: ["INT", { default: 6 }] },
    isOutput: true,
  }),
);
const loader = catalog.Loader;
if (loader !== undefined) loader.listed = { file: { kind: "models", folder: "vae", extra: [] } };
const plain = { class_type: "Plain", inputs: {} };
const images = ["1", 0];

const types = (errors: readonly { readonly type: string }[] | undefined) =>
  errors?.map(({ type }) => type);

test("inputs that an older workflow lacks get the declared default, or a choice's first value", async () => {
  const { prompt } = await accepted(
    { "1": plain, "2": { class_type: "Grown", inputs: { images } } },
    {},
    catalog,
  );
  expect(prompt["2"]?.inputs).toEqual({
    images,
    strength: 1,
    count: 6,
    crop: "center",
    style: "nested",
  });
});

test("what a workflow says is kept", async () => {
  const inputs = { images, strength: 0.5, crop: "none" };
  const { prompt } = await accepted(
    { "1": plain, "2": { class_type: "Grown", inputs } },
    {},
    catalog,
  );
  expect(prompt["2"]?.inputs).toMatchObject(inputs);
});

test("a node that lacks an input without default is told all that it lacks", async () => {
  const { node_errors } = await refused(
    { "1": plain, "2": { class_type: "Pair", inputs: { images } } },
    {},
    catalog,
  );
  const missing = node_errors["2"]?.errors.map(({ details }) => details);
  expect(missing).toEqual(["mask", "grow"]);
});

test("a file is never chosen for a workflow, and an empty node is not filled", async () => {
  const graph = {
    "1": plain,
    "2": { class_type: "Loader", inputs: { images } },
    "3": { class_type: "Grown", inputs: {} },
  };
  const { node_errors } = await refused(graph, {}, catalog);
  expect(types(node_errors["2"]?.errors)).toEqual(["required_input_missing"]);
  expect(types(node_errors["3"]?.errors)).toHaveLength(5);
});

test("a real sampling node of an older workflow runs without its newest input", async () => {
  const recorded = recordedCatalog();
  const save = { class_type: "SaveImage", inputs: { images: ["2", 0] } };
  const empty = { class_type: "EmptyImage", inputs: { width: 8, height: 8, batch_size: 1 } };
  const { prompt } = await accepted({ "2": empty, "3": save }, {}, recorded);
  expect(prompt["2"]?.inputs).toMatchObject({ color: 0 });
  expect(prompt["3"]?.inputs).toMatchObject({ filename_prefix: "ComfyUI" });
});
