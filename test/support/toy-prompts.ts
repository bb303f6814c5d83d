import type { Prompt } from "@rabbitloom/protocol";

/** Shows a text and ends. */
export function text(words: string): Prompt {
  return { "1": { class_type: "ToyText", inputs: { text: words } } };
}

/** Takes its time; `tag` is what it shows in the end. */
export function steps(
  { steps: count, ms, tag = "done", previewBytes = 0 }: StepsOptions,
  nodeId = "1",
): Prompt {
  return { [nodeId]: { class_type: "ToySteps", inputs: { steps: count, ms, tag, previewBytes } } };
}

export interface StepsOptions {
  readonly steps: number;
  readonly ms: number;
  readonly tag?: string;
  readonly previewBytes?: number;
}

/** Ends the engine's process. */
export const crash: Prompt = { "1": { class_type: "ToyCrash", inputs: {} } };
