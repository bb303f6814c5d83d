import { expect, expectTypeOf, test } from "vitest";
import { nodeCatalogEntry } from "../../src/nodes/catalog-entry.ts";
import { defineNode } from "../../src/nodes/define-node.ts";
import * as input from "../../src/nodes/input.ts";
import type { Link } from "../../src/nodes/values.ts";
import type { Tensor } from "../../src/tensor.ts";

const Everything = defineNode({
  name: "Everything",
  category: "test",
  inputs: {
    picture: input.image(),
    count: input.int({ default: 3, min: 0, max: 10 }),
    mode: input.combo(["fast", "good"]),
    where: input.string({ multiline: true, optional: true }),
    late: input.mask({ lazy: true }),
    raw: input.latent({ rawLink: true }),
    palette: input.custom<{ colours: number }>("PALETTE", { optional: true }),
    checkpoint: input.modelFile("checkpoints"),
  },
  hidden: { unique_id: "UNIQUE_ID", extra_pnginfo: "EXTRA_PNGINFO", other: "*" },
  outputs: ["IMAGE", { type: "INT", name: "sizes", isList: true }],
  checkLazyStatus: (inputs) => {
    expectTypeOf(inputs.count).toEqualTypeOf<number | null | undefined>();
    return [];
  },
  run(inputs, context) {
    expectTypeOf(inputs.picture).toEqualTypeOf<Tensor>();
    expectTypeOf(inputs.mode).toEqualTypeOf<"fast" | "good">();
    expectTypeOf(inputs.where).toEqualTypeOf<string | undefined>();
    expectTypeOf(inputs.late).toEqualTypeOf<Tensor | null>();
    expectTypeOf(inputs.raw).toEqualTypeOf<Link>();
    expectTypeOf(inputs.palette).toEqualTypeOf<{ colours: number } | undefined>();
    expectTypeOf(inputs.unique_id).toEqualTypeOf<string>();
    expectTypeOf(inputs.other).toEqualTypeOf<unknown>();
    expectTypeOf(context.signal).toEqualTypeOf<AbortSignal>();
    return [inputs.picture, [inputs.count]];
  },
});

test("a declaration turns into the catalog entry in ComfyUI's shape", () => {
  expect(nodeCatalogEntry(Everything)).toEqual({
    info: {
      input: {
        required: {
          picture: ["IMAGE"],
          count: ["INT", { default: 3, min: 0, max: 10 }],
          mode: [["fast", "good"]],
          late: ["MASK", { lazy: true }],
          raw: ["LATENT", { rawLink: true }],
          checkpoint: [[]],
        },
        optional: { where: ["STRING", { multiline: true }], palette: ["PALETTE"] },
        hidden: { unique_id: "UNIQUE_ID", extra_pnginfo: "EXTRA_PNGINFO", other: "*" },
      },
      input_order: {
        required: ["picture", "count", "mode", "late", "raw", "checkpoint"],
        optional: ["where", "palette"],
        hidden: ["unique_id", "extra_pnginfo", "other"],
      },
      output: ["IMAGE", "INT"],
      output_is_list: [false, true],
      output_name: ["IMAGE", "sizes"],
      name: "Everything",
      display_name: "Everything",
      description: "",
      python_module: "nodes",
      category: "test",
      output_node: false,
    },
    listed: { checkpoint: { kind: "models", folder: "checkpoints" } },
    validates: [],
    validatesTypes: false,
  });
});

test("a v3 declaration shows combos, hidden words and flags in the newer form", () => {
  const { info } = nodeCatalogEntry(
    defineNode({
      name: "Newer",
      category: "test",
      schema: "v3",
      inputs: {
        dim: input.combo(["x", "y"], { multiselect: false }),
        samples: input.latent({ optional: true }),
      },
      hidden: { prompt: "PROMPT" },
      outputs: ["LATENT"],
      run: () => [{ samples: { shape: [0], data: new Float32Array(0) } }],
    }),
  );
  expect(info.input).toEqual({
    required: { dim: ["COMBO", { multiselect: false, options: ["x", "y"] }] },
    optional: { samples: ["LATENT", {}] },
    hidden: { prompt: ["PROMPT"] },
  });
  expect(info).toMatchObject({ deprecated: false, experimental: false, api_node: false });
});

test("an option that the kind of input does not have, or a wrong output, does not compile", () => {
  // @ts-expect-error: "defualt" is no option of INT
  input.int({ defualt: 3 });
  defineNode({
    name: "Wrong",
    category: "test",
    inputs: {},
    outputs: ["IMAGE"],
    // @ts-expect-error: a number is no IMAGE
    run: () => [3],
  });
  const lists = defineNode({
    name: "Lists",
    category: "test",
    inputs: { value: input.float() },
    inputIsList: true,
    outputs: [],
    run(inputs) {
      expectTypeOf(inputs.value).toEqualTypeOf<readonly number[]>();
      return [];
    },
  });
  expect(lists.inputIsList).toBe(true);
});
