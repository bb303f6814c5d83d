import fc from "fast-check";
import { expect, test } from "vitest";
import type { SubmittedPrompt } from "../../src/index.ts";
import { accepted, refused } from "../support/validate.ts";

test("a chain of 10,000 nodes is validated, and a fault at its far end found", async () => {
  const prompt: Record<string, { class_type: string; inputs: Record<string, unknown> }> = {
    n0: { class_type: "Plain", inputs: {} },
  };
  for (let i = 1; i < 10_000; i++) {
    prompt[`n${i}`] = { class_type: "Pass", inputs: { image: [`n${i - 1}`, 0] } };
  }
  prompt.out = { class_type: "Save", inputs: { images: ["n9999", 0] } };
  await accepted(prompt);
  const first = { class_type: "Pass", inputs: {} };
  prompt.n1 = first;
  const failure = await refused(prompt);
  expect(Object.keys(failure.node_errors)).toEqual(["n1"]);
});

test("an answer about many broken outputs stays in proportion to the prompt", async () => {
  const prompt: Record<string, { class_type: string; inputs: Record<string, unknown> }> = {};
  for (let i = 0; i < 2000; i++) {
    prompt[`p${i}`] = {
      class_type: "Pass",
      inputs: i === 0 ? {} : { image: [`p${i - 1}`, 0], more: [1] },
    };
    prompt[`s${i}`] = { class_type: "Save", inputs: { images: ["p1999", 0] } };
  }
  const failure = await refused(prompt);
  expect(failure.node_errors.p0?.dependent_outputs).toHaveLength(100);
});

test("any acyclic graph is accepted, and any graph with a link back to a user is refused with the circle", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.nat(), { maxLength: 2 }), { minLength: 2, maxLength: 30 }),
      async (rows) => {
        const prompt: Record<string, { class_type: string; inputs: Record<string, unknown> }> = {
          "0": { class_type: "Plain", inputs: {} },
        };
        rows.forEach(([a = 0, b], i) => {
          const inputs: Record<string, unknown> = { image: [String(a % (i + 1)), 0] };
          if (b !== undefined) inputs.more = [String(b % (i + 1)), 0];
          prompt[String(i + 1)] = { class_type: "Pass", inputs };
        });
        const last = String(rows.length);
        prompt.out = { class_type: "Save", inputs: { images: [last, 0] } };
        await accepted(prompt);
        // Close a circle: the first node above the last one gets the last one as an input.
        const first = ancestorsOf(prompt, last).find((id) => id !== "0") ?? last;
        prompt[first] = { class_type: "Pass", inputs: { image: [last, 0] } };
        const failure = await refused(prompt);
        expect(failure.error.details).toContain(" -> ");
      },
    ),
  );
});

function ancestorsOf(prompt: SubmittedPrompt, id: string): string[] {
  const found = new Set<string>();
  const stack = [id];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    for (const value of Object.values(prompt[next]?.inputs ?? {})) {
      if (Array.isArray(value) && typeof value[0] === "string" && !found.has(value[0])) {
        found.add(value[0]);
        stack.push(value[0]);
      }
    }
  }
  return [...found];
}
