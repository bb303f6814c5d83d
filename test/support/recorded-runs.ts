import { readFile } from "node:fs/promises";
import * as z from "zod";

const dataSchema = z.record(z.string(), z.unknown());
const textFrameSchema = z.object({ type: z.string(), data: dataSchema });
const frameSchema = z.union([
  textFrameSchema,
  z.object({ binary: z.literal(1), format: z.number() }),
  z.object({ binary: z.literal(3), node: z.string(), text: z.string() }),
  z.object({ binary: z.literal(4), metadata: dataSchema }),
]);
export type Frame = z.infer<typeof frameSchema>;

const historySchema = z.object({
  prompt: z.tuple([z.number(), z.string(), z.unknown(), z.unknown(), z.array(z.string())]),
  outputs: dataSchema,
  status: z.object({
    status_str: z.string(),
    completed: z.boolean(),
    messages: z.array(z.tuple([z.string(), dataSchema])),
  }),
  meta: dataSchema,
});

const runSchema = z.object({
  request: z.looseObject({ client_id: z.string(), prompt_id: z.string() }),
  messages: z.array(frameSchema),
  history: historySchema,
});

/** Runs of ComfyUI with what was posted, what the client's socket heard, and what history said in the end. */
export async function recordedRuns() {
  const text = await readFile(new URL("../fixtures/comfyui-runs.json", import.meta.url), "utf8");
  return z.record(z.string(), runSchema).parse(JSON.parse(text));
}

/** A frame as it came from a socket, without the pixels. */
export function readFrame(data: Buffer, isBinary: boolean): Frame {
  if (!isBinary) return textFrameSchema.parse(JSON.parse(data.toString()));
  const event = data.readUInt32BE(0);
  const first = data.readUInt32BE(4);
  if (event === 1) return { binary: 1, format: first };
  const head = data.subarray(8, 8 + first).toString();
  if (event === 3) return { binary: 3, node: head, text: data.subarray(8 + first).toString() };
  const { prompt_id, ...metadata } = dataSchema.parse(JSON.parse(head));
  return { binary: 4, metadata };
}

/**
 * What of a run's frames has to be the same, in one order. Left out: times and ids, `status` (everybody hears of
 * every change), Python's names and tracebacks. Sets where ComfyUI's order is that of a Python set. A preview with
 * metadata stands behind the progress of its step, as the engine says it.
 */
export function comparableFrames(frames: readonly Frame[]): unknown[] {
  const compared = frames
    .filter((frame) => !("type" in frame) || !["status", "feature_flags"].includes(frame.type))
    .map((frame) => ("type" in frame ? { type: frame.type, ...settled(frame.data) } : frame));
  for (let i = 1; i < compared.length; i++) {
    const [before, after] = [compared[i - 1], compared[i]];
    if (before === undefined || after === undefined) continue;
    const isEarly = "binary" in before && before.binary === 4;
    if (isEarly && "type" in after && after.type === "progress") {
      compared[i - 1] = after;
      compared[i] = before;
    }
  }
  return compared;
}

/** The same for an entry of history: outputs, outcome and messages. */
export function comparableHistory(entry: unknown) {
  const { prompt, outputs, status, meta } = historySchema.parse(entry);
  const [, , graph, , targets] = prompt;
  return {
    graph,
    targets: targets.toSorted((a, b) => a.localeCompare(b)),
    outputs: settled(outputs),
    meta,
    outcome: [status.status_str, status.completed],
    messages: status.messages.map(([event, data]) => [event, settled(data)]),
  };
}

const OWN = [
  "prompt_id",
  "timestamp",
  "exception_type",
  "exception_message",
  "traceback",
  "current_inputs",
  "current_outputs",
];
const SETS = ["executed", "nodes"];

function settled(data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const text = JSON.stringify(data, (key, value) => {
    if (OWN.includes(key)) return undefined;
    if (SETS.includes(key) && Array.isArray(value)) return [...value].sort();
    // The middle of a temporary file's name is random, and numbers hang on what ran between the recorded runs.
    if (key === "filename") {
      return String(value)
        .replace(/_temp_[a-z]{5}_/, "_temp_")
        .replace(/_\d{5}_\./, "_N_.");
    }
    return value;
  });
  return dataSchema.parse(JSON.parse(text));
}
