import * as z from "zod";
import { copyFloatMarks } from "./json/float-marks.ts";

/** A node of a prompt in API form. Inputs are literals or links `[node id, output index]`. */
export const promptNodeSchema = z.looseObject({
  class_type: z.string(),
  inputs: z.record(z.string(), z.unknown()),
});
export type PromptNode = z.infer<typeof promptNodeSchema>;

/** A workflow in ComfyUI's API form: node id -> node. */
export const promptSchema = z.record(z.string(), promptNodeSchema);
export type Prompt = z.infer<typeof promptSchema>;

/** A schema's copy forgets which numbers were written as floats; this notes them as in what was read. */
export function keepFloatMarks(
  from: unknown,
  to: Readonly<Record<string, { inputs?: unknown }>>,
): void {
  for (const [id, { inputs }] of Object.entries(to)) {
    const read = member(member(from, id), "inputs");
    if (isObject(read) && isObject(inputs)) copyFloatMarks(read, inputs);
  }
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** What travels with a prompt: `extra_pnginfo` for saved pictures, and whatever clients add. */
export const extraDataSchema = z.record(z.string(), z.unknown());
export type ExtraData = z.infer<typeof extraDataSchema>;

/** A file that a job wrote, as ComfyUI names it. */
export const outputFileSchema = z.looseObject({
  filename: z.string(),
  subfolder: z.string(),
  type: z.enum(["output", "temp", "input"]),
});
export type OutputFile = z.infer<typeof outputFileSchema>;

/** What one output node showed: `images`, `text`, ... each a list. */
export const nodeOutputSchema = z.record(z.string(), z.unknown());
export type NodeOutput = z.infer<typeof nodeOutputSchema>;

/** Node id -> what it showed. */
export const outputsSchema = z.record(z.string(), nodeOutputSchema);
export type Outputs = z.infer<typeof outputsSchema>;

/** One complaint about one input, in ComfyUI's shape. */
export const nodeErrorReasonSchema = z.object({
  type: z.string(),
  message: z.string(),
  details: z.string(),
  extra_info: z.record(z.string(), z.unknown()),
});
export type NodeErrorReason = z.infer<typeof nodeErrorReasonSchema>;

/** All complaints about one node, in ComfyUI's shape. */
export const nodeErrorsSchema = z.record(
  z.string(),
  z.object({
    errors: z.array(nodeErrorReasonSchema),
    dependent_outputs: z.array(z.string()),
    class_type: z.string(),
  }),
);
export type NodeErrors = z.infer<typeof nodeErrorsSchema>;
