import { rm } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Comfy } from "../../src/index.ts";
import { writePrograms } from "../support/doc-programs.ts";
import { promptOf } from "../support/run-graph.ts";

let folder = "";
let comfy: Comfy;
beforeAll(async () => {
  const programs = await writePrograms("writing-nodes.md");
  folder = programs.folder;
  // As a pack elsewhere on the disk: nothing is installed beside it.
  await rm(path.join(folder, "node_modules"), { recursive: true });
  comfy = new Comfy({
    input: path.join(folder, "input"),
    output: path.join(folder, "output"),
    nodes: programs.names.map((name) =>
      name.endsWith("/index.ts") ? path.join(folder, path.dirname(name)) : path.join(folder, name),
    ),
  });
});
afterAll(async () => {
  await comfy[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

test("the page's packs load and show in the catalog as declared", async () => {
  const { nodes, failedPacks } = await comfy.catalog();
  expect(failedPacks).toEqual([]);
  expect(nodes.ImageFade?.info).toMatchObject({
    display_name: "Fade Image",
    python_module: "custom_nodes.pack",
    input: { required: { amount: ["FLOAT", { default: 0.5, min: 0, max: 1, step: 0.01 }] } },
  });
});

test("the page's nodes do what it says", async () => {
  const picture = ["white", 0];
  const outputs = await comfy.queuePrompt(
    promptOf({
      white: ["EmptyImage", { width: 2, height: 2, batch_size: 1, color: 0xffffff }],
      unused: ["WaitAWhile", { value: picture, steps: 1000 }],
      wait: ["WaitAWhile", { value: picture, steps: 2 }],
      choose: ["ChooseOne", { on: ["wait", 0], off: ["unused", 0], condition: true }],
      fade: ["FadeTimes", { image: ["choose", 0], times: 2 }],
      save: ["SaveImage", { images: ["fade", 0], filename_prefix: "faded" }],
      count: ["CountTo", { end: 4 }],
      total: ["ShowTotal", { numbers: ["count", 0] }],
    }),
  );
  expect(outputs.total).toEqual({ total: [10] });
  expect(outputs.save?.images?.[0]?.filename).toBe("faded_00001_.png");
});
