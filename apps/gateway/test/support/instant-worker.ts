import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  decodeJob,
  type JobEndEvent,
  type JobError,
  type JsonEvent,
  type Outputs,
} from "@rabbitloom/protocol";
import type { TestGateway } from "./test-gateway.ts";

export interface InstantOutcome {
  readonly state?: JobEndEvent["state"];
  readonly outputs?: Outputs;
  readonly error?: JobError;
}

/** Ends every job as soon as it is published, in the order a worker keeps: record first, then the word. */
export function endJobs(gateway: TestGateway, outcome: InstantOutcome = {}): void {
  gateway.amqp.onJob = ({ jobId, body }) => {
    const { gatewayId = "-" } = decodeJob({ text: body });
    const { state = "succeeded", outputs = {}, error } = outcome;
    const at = new Date().toISOString();
    gateway.store.start(jobId);
    gateway.store.end(jobId, { state, outputs, ...(error && { error }), lastSeq: 2 });
    const envelope = { v: 1 as const, jobId, attempt: 1, at };
    const start: JsonEvent = {
      ...envelope,
      seq: 1,
      type: "job-start",
      workerId: "w",
      nodeCount: 1,
    };
    const end: JsonEvent = {
      ...envelope,
      seq: 2,
      type: "job-end",
      state,
      outputs,
      startedAt: at,
      ...(error && { error }),
    };
    gateway.amqp.say(gatewayId, start, end);
  };
}

/** A saved picture as an output names it, with its bytes in the output folder. */
export async function savedPicture(
  { folders }: TestGateway,
  filename: string,
  bytes: Uint8Array,
): Promise<Outputs> {
  await writeFile(join(folders.output, filename), bytes);
  return { "2": { images: [{ filename, subfolder: "", type: "output" }] } };
}

/** The smallest job: an empty picture, saved. */
export const savePrompt = {
  "1": { class_type: "EmptyImage", inputs: { width: 64, height: 64, batch_size: 1, color: 0 } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "g" } },
};
