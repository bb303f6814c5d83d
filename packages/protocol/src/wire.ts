import { CodedError } from "./errors.ts";
import {
  type JobEvent,
  type JsonEvent,
  jsonEventSchema,
  type PreviewEvent,
  previewFactsSchema,
} from "./events.ts";
import { type JobMessage, type JobMessageInput, jobMessageSchema } from "./job.ts";
import { parseJson } from "./json/parse-json.ts";
import { stringifyJson, WRITTEN_DEPTH } from "./json/stringify-json.ts";
import { keepFloatMarks } from "./prompt.ts";

/**
 * Messages as AMQP and STOMP carry them. The properties have amqplib's names; STOMP shows `contentType`
 * as `content-type`, `messageId` as `message-id`, and the headers as headers of the frame.
 */
export interface WireMessage {
  readonly contentType: string;
  readonly type: string;
  readonly messageId?: string;
  /**
   * Texts only: RabbitMQ's STOMP leaves out headers of most number types, among them the short ones that
   * amqplib writes for small numbers.
   */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text, or a picture's bytes. */
  readonly body: string | Uint8Array;
}

const JSON_TYPE = "application/json";
/** Several events in one message: small and fast ones travel together, in order. */
const EVENTS_TYPE = "job-events";
const JOB_TYPE = "job";

/** A job for the jobs exchange. */
export function encodeJob(job: JobMessageInput & { readonly jobId: string }): WireMessage {
  return {
    contentType: JSON_TYPE,
    type: JOB_TYPE,
    messageId: job.jobId,
    headers: {},
    body: stringifyJson(job),
  };
}

/**
 * Reads a job message; `messageId` stands in where the body names no job. Throws INVALID_JSON or
 * INVALID_REQUEST: the message is then nobody's job and belongs among the dead.
 */
export function decodeJob(message: {
  readonly messageId?: string | undefined;
  readonly text: string;
}): JobMessage & { readonly jobId: string } {
  const read = parseJson(message.text);
  const parsed = jobMessageSchema.safeParse(read);
  if (!parsed.success) throw invalid("job message", parsed.error);
  if (typeof read === "object" && read !== null && "prompt" in read) {
    keepFloatMarks(read.prompt, parsed.data.prompt);
  }
  const jobId = parsed.data.jobId ?? message.messageId;
  if (jobId === undefined) {
    throw new CodedError(
      "INVALID_REQUEST",
      "job message: expected jobId in the body or a message id, got neither",
    );
  }
  const checked = jobMessageSchema.shape.jobId.safeParse(jobId);
  if (!checked.success) throw invalid(`job message: id ${JSON.stringify(jobId)}`, checked.error);
  return { ...parsed.data, jobId };
}

/**
 * JSON events of one job and attempt, in order, as one message. Headers: `seq` of the first event,
 * `last-seq` of the last, `attempt`, `job-id`. The body is always a JSON array.
 */
export function encodeEvents(events: readonly [JsonEvent, ...JsonEvent[]]): WireMessage {
  const [first] = events;
  const last = events.at(-1) ?? first;
  return {
    contentType: JSON_TYPE,
    type: EVENTS_TYPE,
    headers: {
      seq: String(first.seq),
      "last-seq": String(last.seq),
      attempt: String(first.attempt),
      "job-id": first.jobId,
    },
    body: stringifyJson(events),
  };
}

/** A preview: the picture is the body, its facts are headers. */
export function encodePreview(preview: PreviewEvent): WireMessage {
  return {
    contentType: preview.contentType,
    type: preview.type,
    headers: {
      v: String(preview.v),
      seq: String(preview.seq),
      "last-seq": String(preview.seq),
      attempt: String(preview.attempt),
      "job-id": preview.jobId,
      at: preview.at,
      "node-id": preview.nodeId,
      ...(preview.displayNodeId !== undefined && { "display-node-id": preview.displayNodeId }),
      ...(preview.parentNodeId !== undefined && { "parent-node-id": preview.parentNodeId }),
      ...(preview.realNodeId !== undefined && { "real-node-id": preview.realNodeId }),
      width: String(preview.width),
      height: String(preview.height),
    },
    body: preview.image,
  };
}

/** A message from a job's queue or stream, of AMQP or STOMP. Header values may be texts. */
export interface IncomingMessage {
  readonly contentType: string | undefined;
  readonly type: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  /** The body; only the form that the message's type asks for is made. */
  readonly text: () => string;
  readonly bytes: () => Uint8Array;
}

/**
 * The events in a message, in order. An event of a type that this version does not know is left out:
 * newer peers may say more. Throws INVALID_JSON or INVALID_REQUEST for anything that is no message of ours.
 */
export function decodeEvents(message: IncomingMessage): JobEvent[] {
  if (message.type === "node-preview") return [decodePreview(message)];
  if (message.type !== EVENTS_TYPE) {
    throw new CodedError(
      "INVALID_REQUEST",
      `event message: expected type "${EVENTS_TYPE}" or "node-preview", got ${JSON.stringify(message.type)}`,
    );
  }
  const list = parseJson(message.text(), { maxDepth: WRITTEN_DEPTH });
  if (!Array.isArray(list)) {
    throw new CodedError("INVALID_REQUEST", `event message: expected an array, got ${typeof list}`);
  }
  return list.flatMap((item) => decodeEvent(item) ?? []);
}

/** One JSON event, or undefined where its type is not known here. */
export function decodeEvent(item: unknown): JsonEvent | undefined {
  const parsed = jsonEventSchema.safeParse(item);
  if (parsed.success) return parsed.data;
  const isUnknownType = parsed.error.issues.some(
    (issue) => issue.code === "invalid_union" && issue.path[0] === "type",
  );
  if (isUnknownType) return undefined;
  throw invalid("event", parsed.error);
}

function decodePreview({ contentType, headers, bytes }: IncomingMessage): PreviewEvent {
  // A table of AMQP may hold anything, even what cannot be made a text.
  const text = (name: string) => {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    return typeof value === "string" || typeof value === "number" ? String(value) : undefined;
  };
  const facts = previewFactsSchema.safeParse({
    type: "node-preview",
    v: Number(text("v") ?? 1),
    jobId: text("job-id"),
    attempt: Number(text("attempt")),
    seq: Number(text("seq")),
    at: text("at"),
    nodeId: text("node-id"),
    displayNodeId: text("display-node-id"),
    parentNodeId: text("parent-node-id"),
    realNodeId: text("real-node-id"),
    contentType,
    width: Number(text("width") ?? 0),
    height: Number(text("height") ?? 0),
  });
  if (!facts.success) throw invalid("preview", facts.error);
  return { ...facts.data, image: bytes() };
}

function invalid(
  where: string,
  error: {
    readonly issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[];
  },
): CodedError {
  const reasons = error.issues
    .slice(0, 3)
    .map((issue) => `${issue.path.map(String).join(".") || "(whole)"}: ${issue.message}`);
  return new CodedError("INVALID_REQUEST", `${where}: ${reasons.join("; ")}`, { cause: error });
}
