import { Buffer } from "node:buffer";
import type { JobEvent, NodeReference } from "@rabbitloom/protocol";
import * as z from "zod";

const nodeSchema = z.object({
  state: z.string(),
  display_node_id: z.string(),
  parent_node_id: z.string().nullable(),
  real_node_id: z.string(),
});

export const recordedMessageSchema = z.union([
  z.object({ type: z.string(), data: z.record(z.string(), z.unknown()) }),
  z.object({ binary_event: z.number(), b64: z.string() }),
]);
export type RecordedMessage = z.infer<typeof recordedMessageSchema>;

interface Envelope {
  readonly v: 1;
  readonly jobId: string;
  readonly attempt: number;
  readonly seq: number;
  readonly at: string;
}
type Say = (make: (envelope: Envelope) => JobEvent) => void;

/**
 * The events that a worker would have said for a run of ComfyUI to be told in these messages: the messages'
 * translation backwards.
 */
export function eventsOf(jobId: string, messages: readonly RecordedMessage[]): JobEvent[] {
  const events: JobEvent[] = [];
  const states = new Map<string, string>();
  const references = new Map<string, NodeReference>();
  let at = Date.parse("2026-01-01T00:00:00.000Z");
  const say: Say = (make) => {
    const envelope = { v: 1 as const, jobId, attempt: 1, seq: events.length + 1 };
    events.push(make({ ...envelope, at: new Date(at).toISOString() }));
  };
  const node = (id: unknown): NodeReference => references.get(String(id)) ?? { nodeId: String(id) };

  for (const recorded of messages) {
    if ("binary_event" in recorded) {
      sayBinary(recorded, say);
      continue;
    }
    const { type, data } = recorded;
    if (typeof data.timestamp === "number") at = data.timestamp;
    switch (type) {
      case "execution_start":
        say((told) => ({ ...told, type: "job-start", workerId: "w", nodeCount: 0 }));
        break;
      case "execution_cached":
        say((told) => ({
          ...told,
          type: "nodes-cached",
          nodeIds: z.array(z.string()).parse(data.nodes),
        }));
        break;
      case "progress_state":
        for (const [nodeId, raw] of Object.entries(
          z.record(z.string(), nodeSchema).parse(data.nodes),
        )) {
          references.set(nodeId, {
            nodeId,
            displayNodeId: raw.display_node_id,
            realNodeId: raw.real_node_id,
            ...(raw.parent_node_id !== null && { parentNodeId: raw.parent_node_id }),
          });
          const before = states.get(nodeId);
          states.set(nodeId, raw.state);
          if (before === "running" && raw.state === "finished")
            say((told) => ({ ...told, type: "node-end", ...node(nodeId) }));
        }
        break;
      case "executing":
        if (typeof data.node === "string")
          say((told) => ({ ...told, type: "node-start", ...node(data.node) }));
        break;
      case "progress":
        say((told) => ({
          ...told,
          type: "node-progress",
          ...node(data.node),
          value: Number(data.value),
          max: Number(data.max),
        }));
        break;
      case "executed": {
        const output = z.record(z.string(), z.unknown()).nullable().parse(data.output);
        say((told) => ({ ...told, type: "node-output", ...node(data.node), output }));
        break;
      }
      case "execution_success":
      case "execution_error":
      case "execution_interrupted":
        sayEnd(type, data, say, new Date(at).toISOString());
        break;
      default:
        break;
    }
  }
  const hasMetadata = messages.some((said) => "binary_event" in said && said.binary_event === 4);
  return hasMetadata ? events.map(asEngineOrders) : events;
}

/** The engine says a step's progress before its preview; ComfyUI, where the preview carries metadata, after it. */
function asEngineOrders(event: JobEvent, index: number, events: readonly JobEvent[]): JobEvent {
  const [before, after] = [events[index - 1], events[index + 1]];
  const { seq } = event;
  if (event.type === "node-preview" && after?.type === "node-progress") return { ...after, seq };
  if (event.type === "node-progress" && before?.type === "node-preview") return { ...before, seq };
  return event;
}

function sayBinary(
  { binary_event, b64 }: { readonly binary_event: number; readonly b64: string },
  say: Say,
): void {
  const bytes = Buffer.from(b64, "base64");
  if (binary_event === 3) {
    const length = bytes.readUInt32BE(4);
    const nodeId = bytes.subarray(8, 8 + length).toString();
    say((told) => ({
      ...told,
      type: "node-text",
      nodeId,
      text: bytes.subarray(8 + length).toString(),
    }));
    return;
  }
  const offset = binary_event === 1 ? 8 : 8 + bytes.readUInt32BE(4);
  say((told) => ({
    ...told,
    type: "node-preview",
    nodeId: "2",
    contentType: "image/jpeg",
    width: 0,
    height: 0,
    image: bytes.subarray(offset),
  }));
}

const failureSchema = z.object({
  node_id: z.string(),
  node_type: z.string(),
  executed: z.array(z.string()),
  exception_message: z.string().default(""),
  exception_type: z.string().default(""),
  current_inputs: z.record(z.string(), z.unknown()).default({}),
  current_outputs: z.unknown().optional(),
});

function sayEnd(
  type: "execution_success" | "execution_error" | "execution_interrupted",
  data: unknown,
  say: Say,
  startedAt: string,
): void {
  if (type === "execution_success") {
    say((told) => ({ ...told, type: "job-end", state: "succeeded", outputs: {}, startedAt }));
    return;
  }
  const failure = failureSchema.parse(data);
  const isCancelled = type === "execution_interrupted";
  say((told) => ({
    ...told,
    type: "job-end",
    state: isCancelled ? "cancelled" : "failed",
    outputs: {},
    startedAt,
    error: {
      code: isCancelled ? "JOB_CANCELLED" : "NODE_FAILED",
      message: failure.exception_message,
      retryable: false,
      executed: failure.executed,
      node: {
        nodeId: failure.node_id,
        nodeType: failure.node_type,
        exceptionType: failure.exception_type,
        traceback: [],
        inputs: failure.current_inputs,
        outputs: failure.current_outputs,
      },
    },
  }));
}
