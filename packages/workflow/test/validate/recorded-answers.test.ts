import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as z from "zod";
import {
  type PromptFailure,
  parseJson,
  parsePrompt,
  stringifyJson,
  type Validation,
  validatePrompt,
} from "../../src/index.ts";
import { recordedCatalog } from "../support/catalog.ts";

const recordingSchema = z.object({
  name: z.string(),
  body: z.string(),
  status: z.number(),
  answer: z.looseObject({ error: z.looseObject({ type: z.string() }) }).optional(),
});

/** What ComfyUI 0.3.64 answered to POST /prompt. */
const recordings = z
  .array(recordingSchema)
  .parse(
    parseJson(readFileSync(new URL("../fixtures/prompt-answers.json", import.meta.url), "utf8")),
  );

/** ComfyUI refuses these without a word; here the circle is named. */
const improved = new Set(["cycle of two", "cycle self"]);
/** Not about prompts. */
const others = new Set(["no prompt", "number not numeric"]);

const catalog = recordedCatalog();
const loadImage = catalog.LoadImage;
if (loadImage !== undefined) {
  loadImage.listed.image = { kind: "files", folder: "input", media: "image" };
  loadImage.validates = ["image"];
}

for (const { name, body, status, answer } of recordings) {
  if (improved.has(name) || others.has(name)) continue;
  test(`ComfyUI's answer to "${name}" is ours`, async () => {
    const result = await validate(body);
    expect("error" in result ? 400 : 200).toBe(status);
    if (answer !== undefined) expect(comparable(result)).toEqual(comparable(answer));
  });
}

test.each([
  ["cycle of two", ["2", "1", "2"]],
  ["cycle self", ["1", "1"]],
])("in %s the circle is named at each of its nodes", async (name, cycle) => {
  const recording = recordings.find((candidate) => candidate.name === name);
  const result = await validate(recording?.body ?? "");
  if (!("error" in result)) throw new Error("a cycle was accepted");
  expect(result.error.type).toBe("prompt_outputs_failed_validation");
  expect(result.error.details).toContain(cycle.join(" -> "));
  for (const id of cycle) {
    expect(result.node_errors[id]?.errors).toEqual([
      expect.objectContaining({ type: "dependency_cycle", extra_info: { cycle } }),
    ]);
    expect(result.node_errors[id]?.dependent_outputs).toEqual(["3"]);
  }
});

async function validate(body: string): Promise<PromptFailure | Validation> {
  const parsed = z
    .object({ prompt: z.unknown(), partial_execution_targets: z.array(z.string()).nullish() })
    .parse(parseJson(body));
  const prompt = parsePrompt(parsed.prompt);
  if (prompt.form === "invalid") return prompt.failure;
  if (prompt.form === "ui") throw new Error("not in API form");
  const result = await validatePrompt(prompt.prompt, catalog, {
    targets: parsed.partial_execution_targets,
    fileExists: () => false,
    modelFiles: () => [],
  });
  return result.ok ? result : result.failure;
}

/** Errors of a node come in no stable order, and tooltips are not in the fixture's definitions. */
function comparable(answer: unknown): unknown {
  if (Array.isArray(answer)) {
    const items = answer.map(comparable);
    return items.every((item) => typeof item === "object" && item !== null && "type" in item)
      ? items.sort((a, b) => stringifyJson(a).localeCompare(stringifyJson(b)))
      : items;
  }
  if (typeof answer !== "object" || answer === null) return answer;
  return Object.fromEntries(
    Object.entries(answer)
      .filter(([key]) => key !== "tooltip")
      .map(([key, value]) => [
        key,
        key === "details" && typeof value === "string"
          ? value.split("\n").sort().join("\n")
          : comparable(value),
      ]),
  );
}
