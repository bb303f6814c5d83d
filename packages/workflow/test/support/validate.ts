import {
  parsePrompt,
  type SubmittedPrompt,
  type ValidateOptions,
  type Validation,
  validatePrompt,
} from "../../src/index.ts";
import { catalogOf, nodeInfo } from "./catalog.ts";

/** A handful of classes, one for each rule of validation. */
export const catalog = catalogOf(
  nodeInfo("Source", {
    required: {
      width: ["INT", { min: 1, max: 4096 }],
      seed: ["INT", { min: 0, max: 18446744073709551615n }],
      cfg: ["FLOAT", { min: 0, max: 100 }],
      text: ["STRING"],
      flag: ["BOOLEAN"],
    },
    output: ["IMAGE", "MASK"],
  }),
  nodeInfo("Plain", { output: ["IMAGE"] }),
  nodeInfo("Pass", {
    required: { image: ["IMAGE"] },
    optional: { more: ["IMAGE"] },
    output: ["IMAGE"],
  }),
  nodeInfo("Both", { required: { value: ["IMAGE,FLOAT"] }, output: ["IMAGE,FLOAT"] }),
  nodeInfo("Any", { required: { value: ["*"] }, output: ["*"] }),
  nodeInfo("Save", { required: { images: ["IMAGE"] }, isOutput: true }),
  nodeInfo("Floats", { required: { value: ["FLOAT"] }, isOutput: true }),
  nodeInfo("Choose", {
    required: { v1: [["a", "b", 1]], v3: ["COMBO", { options: ["x", "y"] }] },
    isOutput: true,
  }),
  nodeInfo("Load", { required: { model: [[], {}], image: [[], {}] }, isOutput: true }),
  nodeInfo("Strict", {
    required: { a: ["FLOAT", { min: 0, max: 1 }], b: ["FLOAT"] },
    isOutput: true,
  }),
);
const load = catalog.Load;
if (load !== undefined) {
  load.listed = {
    model: { kind: "models", folder: "vae", extra: ["built in"] },
    image: { kind: "files", folder: "input", media: "image" },
  };
}

/** Inputs of Source that nobody complains about. */
export const source = { width: 64, seed: 1, cfg: 8, text: "t", flag: true };

export function submitted(value: unknown): SubmittedPrompt {
  const parsed = parsePrompt(value);
  if (parsed.form !== "api") throw new Error(`not a prompt: ${JSON.stringify(parsed)}`);
  return parsed.prompt;
}

/** The result of a prompt that must be accepted. */
export async function accepted(
  prompt: SubmittedPrompt,
  options: ValidateOptions = {},
  known = catalog,
) {
  const result: Validation = await validatePrompt(prompt, known, options);
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result;
}

/** The failure of a prompt that must be refused. */
export async function refused(
  prompt: SubmittedPrompt,
  options: ValidateOptions = {},
  known = catalog,
) {
  const result = await validatePrompt(prompt, known, options);
  if (result.ok) throw new Error("accepted");
  return result.failure;
}
