import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { NodeInfo, Prompt } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import * as z from "zod";
import { convertWorkflow, parsePrompt } from "../../src/index.ts";
import { nodeInfo, recordedCatalog } from "../support/catalog.ts";

/**
 * Pictures of ComfyUI_examples (commit f9431bb) carry the workflow and the prompt that the page made of it. The pairs lie
 * beside the repository, not in it.
 */
const folder = new URL("../../../../../shared/golden/workflows/", import.meta.url);
const files = existsSync(folder)
  ? readdirSync(folder).filter((name) => name.endsWith(".json"))
  : [];

const pairSchema = z.object({
  workflow: z.unknown(),
  prompt: z.record(
    z.string(),
    z.object({ class_type: z.string(), inputs: z.record(z.string(), z.unknown()) }),
  ),
});

/** Classes newer than the definitions. */
const newer = [
  nodeInfo("Flux2Scheduler", {
    required: {
      steps: ["INT", { default: 20, min: 1, max: 4096 }],
      width: ["INT", { default: 1024, min: 16, max: 16384 }],
      height: ["INT", { default: 1024, min: 16, max: 16384 }],
    },
    output: ["SIGMAS"],
  }),
  nodeInfo("EmptyFlux2LatentImage", {
    required: {
      width: ["INT", { default: 1024, min: 16, max: 16384 }],
      height: ["INT", { default: 1024, min: 16, max: 16384 }],
      batch_size: ["INT", { default: 1, min: 1, max: 4096 }],
    },
    output: ["LATENT"],
  }),
];

const catalog = recordedCatalog();
const definitions = new Map<string, NodeInfo>([
  ...Object.entries(catalog).map(([name, { info }]): [string, NodeInfo] => [name, info]),
  ...newer.map((info): [string, NodeInfo] => [info.name, info]),
]);

/** There the group node had just been made, and one prompt still used the ids of its parts. */
const renamed: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "stable_cascade__stable_cascade__inpaint_controlnet.json": {
    "68:0": "62",
    "68:1": "66",
    "68:2": "64",
    "68:3": "61",
    "68:5": "60",
  },
};

if (files.length === 0) {
  test("NOTICE: ../shared/golden/workflows is not there, so the 72 recorded pairs were not compared", () => {
    console.warn(`no recorded workflows in ${folder.pathname}: their conversion was not compared`);
    expect(existsSync(folder)).toBe(false);
  });
}

test.each(files)("%s becomes the prompt that the page made of it", (file) => {
  const pair = pairSchema.parse(JSON.parse(readFileSync(new URL(file, folder), "utf8")));
  const parsed = parsePrompt(pair.workflow);
  if (parsed.form !== "ui") throw new Error(`not in UI form: ${JSON.stringify(parsed)}`);
  const { prompt, warnings } = convertWorkflow(parsed.workflow, {
    nodeInfo: (name) => definitions.get(name),
  });
  expect(warnings).toEqual([]);
  const ours = rename(prompt, renamed[file] ?? {});
  expect(new Set(Object.keys(ours))).toEqual(new Set(Object.keys(pair.prompt)));
  for (const [id, expected] of Object.entries(pair.prompt)) {
    const node = ours[id];
    expect(node?.class_type).toBe(expected.class_type);
    const info = definitions.get(expected.class_type);
    if (node === undefined || info === undefined) throw new Error(`node ${id} is not defined`);
    expect(withoutDefaults(node.inputs, expected.inputs, info), `node ${id}`).toEqual(
      declared(expected.inputs, info),
    );
  }
});

function rename(prompt: Prompt, ids: Readonly<Record<string, string>>): Prompt {
  const name = (id: string) => ids[id] ?? id;
  return Object.fromEntries(
    Object.entries(prompt).map(([id, node]) => [
      name(id),
      {
        ...node,
        inputs: Object.fromEntries(
          Object.entries(node.inputs).map(([input, value]) => [
            input,
            Array.isArray(value) ? [name(String(value[0])), value[1]] : value,
          ]),
        ),
      },
    ]),
  );
}

/** Old pages also sent the values of their own buttons. */
function declared(
  inputs: Readonly<Record<string, unknown>>,
  { input }: NodeInfo,
): Record<string, unknown> {
  const names = new Set([
    ...Object.keys(input.required ?? {}),
    ...Object.keys(input.optional ?? {}),
  ]);
  return Object.fromEntries(Object.entries(inputs).filter(([name]) => names.has(name)));
}

/** Inputs that the class got later: we send the default, the old page could not. */
function withoutDefaults(
  inputs: Readonly<Record<string, unknown>>,
  expected: Readonly<Record<string, unknown>>,
  { input }: NodeInfo,
): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(inputs).filter(([name, value]) => {
      const [type, options] = input.required?.[name] ?? input.optional?.[name] ?? [];
      const start = options?.default ?? (Array.isArray(type) ? type[0] : undefined);
      return Object.hasOwn(expected, name) || value !== start;
    }),
  );
}
