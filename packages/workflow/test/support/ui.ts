import type { NodeInfo, Prompt } from "@rabbitloom/protocol";
import {
  type ConvertedWorkflow,
  type ConvertOptions,
  convertWorkflow,
  parsePrompt,
} from "../../src/index.ts";
import { nodeInfo } from "./catalog.ts";

const infos: readonly NodeInfo[] = [
  nodeInfo("Load", {
    required: { file: [["a.png", "b.png"], { image_upload: true }] },
    output: ["IMAGE", "MASK"],
  }),
  nodeInfo("Sample", {
    required: {
      image: ["IMAGE"],
      seed: ["INT", { default: 0, control_after_generate: true }],
      steps: ["INT", { default: 20 }],
      name: [["euler", "heun"]],
    },
    optional: { strength: ["FLOAT", { default: 0.5 }] },
    output: ["IMAGE"],
  }),
  nodeInfo("Two", { required: { a: ["IMAGE"], b: ["IMAGE"] }, output: ["IMAGE", "IMAGE"] }),
  nodeInfo("Masked", { required: { image: ["IMAGE"], mask: ["MASK"] }, output: ["IMAGE"] }),
  nodeInfo("Any", { required: { value: ["*"] }, output: ["*"] }),
  nodeInfo("Text", {
    required: { text: ["STRING", { dynamicPrompts: true, multiline: true }] },
    output: ["STRING"],
  }),
  nodeInfo("Save", {
    required: { images: ["IMAGE"], filename_prefix: ["STRING", { default: "x" }] },
    isOutput: true,
  }),
  nodeInfo("Forced", {
    required: { value: ["INT", { forceInput: true }], text: ["STRING", { default: "" }] },
  }),
  nodeInfo("Dynamic", {
    required: {
      mode: [
        "COMFY_DYNAMICCOMBO_V3",
        {
          options: [
            { key: "plain", inputs: {} },
            {
              key: "sized",
              inputs: {
                required: { width: ["INT", { default: 8 }] },
                optional: { seed: ["INT", { default: 0, control_after_generate: true }] },
              },
            },
          ],
        },
      ],
      last: ["STRING", {}],
    },
  }),
  nodeInfo("Camera", { required: { picture: ["WEBCAM", {}] }, output: ["IMAGE"] }),
];
const definitions = new Map(infos.map((info) => [info.name, info]));

type Ui = Record<string, unknown>;
type Given = Omit<ConvertOptions, "nodeInfo">;

/** Converts a workflow over the handful of classes above. */
export function convert(workflow: Ui, options: Given = {}): ConvertedWorkflow {
  const parsed = parsePrompt(workflow);
  if (parsed.form !== "ui") throw new Error(`not in UI form: ${JSON.stringify(parsed)}`);
  return convertWorkflow(parsed.workflow, {
    nodeInfo: (name) => definitions.get(name),
    ...options,
  });
}

/** Only the inputs of each node, which is what most rules are about. */
export function inputsOf(
  workflow: Ui,
  options: Given = {},
): Record<string, Prompt[string]["inputs"]> {
  const { prompt } = convert(workflow, options);
  return Object.fromEntries(Object.entries(prompt).map(([id, { inputs }]) => [id, inputs]));
}

/** A socket: name, type and the link that ends in it. A third text is the widget it stands on. */
export function socket(
  name: string,
  type: string,
  link: number | string | null = null,
  widget?: string,
): Ui {
  return { name, type, link, ...(widget === undefined ? {} : { widget: { name: widget } }) };
}

export function node(id: number | string, type: string, more: Ui = {}): Ui {
  return { id, type, mode: 0, ...more };
}

export const load = node(1, "Load", {
  outputs: [{ type: "IMAGE" }, { type: "MASK" }],
  widgets_values: ["b.png", "image"],
});

export function save(id: number | string, link: number | string | null): Ui {
  return node(id, "Save", { inputs: [socket("images", "IMAGE", link)], widgets_values: ["out"] });
}
