import {
  CodedError,
  extraDataSchema,
  type JobMessage,
  type JobView,
  jobLimitsSchema,
  jobViewSchema,
  type Prompt,
  promptSchema,
  WRITTEN_DEPTH,
} from "@rabbitloom/protocol";
import { parseJson, stringifyJson } from "@rabbitloom/workflow";
import * as z from "zod";
import type { JobRecord, ReplyAddress } from "./store-types.ts";

/** Fields of a job's hash that a view shows; `state` first, as scripts expect it. */
export const viewFields = [
  "state",
  "tenant",
  "attempt",
  "workerId",
  "lane",
  "pool",
  "clientId",
  "tags",
  "submittedAt",
  "startedAt",
  "endedAt",
  "progress",
  "outputs",
  "error",
  "lastSeq",
  "cancelRequested",
] as const;

/** Fields of the whole record. Prompts are long: only who needs them reads them. */
export const recordFields = [
  ...viewFields,
  "number",
  "gatewayId",
  "announced",
  "submission",
  "payload",
  "history",
] as const;

type Field = (typeof recordFields)[number];

/** What a script answers for one job: id, jobs before it where it is pending, then the fields' values. */
const rowSchema = z
  .tuple([z.string(), z.number().nullable()])
  .rest(z.union([z.string(), z.number()]).nullable());
export const rowsSchema = z.array(rowSchema);
export type Row = z.infer<typeof rowSchema>;
export { rowSchema };

/**
 * The prompt and what travels with it stay text in Redis, written and read without losing a digit: everything that it
 * takes to publish the job once more.
 */
export function payloadText(
  { prompt, extraData, targets, limits }: JobMessage,
  reply?: ReplyAddress,
): string {
  return stringifyJson({ prompt, extraData, targets, limits, reply });
}

/** The reply address of a payload, or none where it is empty or cannot be read. */
export function replyIn(payload: string): { readonly reply?: ReplyAddress } {
  try {
    const { reply } = replySchema.parse(json(payload));
    return reply === undefined ? {} : { reply };
  } catch {
    return {};
  }
}

export function viewOf(row: Row): JobView {
  return jobViewSchema.parse(viewParts(row, reader(row, viewFields)));
}

/** Throws INTERNAL, not retryable, for one that cannot be read. */
export function recordOf(row: Row): JobRecord {
  try {
    return readRecord(row);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CodedError("INTERNAL", `the record of job ${row[0]} cannot be read: ${why}`, {
      cause,
      isRetryable: false,
    });
  }
}

function readRecord(row: Row): JobRecord {
  const read = reader(row, recordFields);
  const view = jobViewSchema.parse(viewParts(row, read));
  const { prompt, extraData, targets, limits, reply } = payloadSchema.parse(
    json(read("payload") ?? "{}"),
  );
  const gatewayId = read("gatewayId");
  const submission = read("submission");
  const history = historySchema.optional().parse(json(read("history")));
  return {
    ...view,
    number: Number(read("number") ?? 0),
    prompt,
    extraData,
    isAnnounced: read("announced") === "1",
    ...(targets !== undefined && { targets }),
    ...(limits !== undefined && { limits }),
    ...(reply !== undefined && { reply }),
    ...(gatewayId !== undefined && { gatewayId }),
    ...(submission !== undefined && { submission }),
    ...(history !== undefined && { history }),
  };
}

/** `,a,b,`: as a script finds one of them. */
export function tagsText(tags: readonly string[] = []): string {
  return tags.length === 0 ? "" : `,${tags.join(",")},`;
}

function tagsOf(text: string | undefined): string[] | undefined {
  return text?.slice(1, -1).split(",");
}

type Reader = (field: Field) => string | undefined;

/** Empty and absent are the same. */
function reader([, , ...values]: Row, fields: readonly Field[]): Reader {
  return (field) => {
    const value = values[fields.indexOf(field)];
    return value === null || value === undefined || value === "" ? undefined : String(value);
  };
}

function viewParts([id, rank]: Row, read: Reader): Record<string, unknown> {
  return {
    id,
    state: read("state"),
    tenant: read("tenant"),
    attempt: Number(read("attempt") ?? 0),
    lane: read("lane"),
    pool: read("pool"),
    lastSeq: Number(read("lastSeq") ?? 0),
    submittedAt: time(read("submittedAt")),
    workerId: read("workerId"),
    clientId: read("clientId"),
    tags: tagsOf(read("tags")),
    queuePosition: rank ?? undefined,
    startedAt: time(read("startedAt")),
    endedAt: time(read("endedAt")),
    progress: json(read("progress")),
    outputs: json(read("outputs")),
    error: json(read("error")),
    isCancelRequested: read("cancelRequested") === "1" || undefined,
  };
}

const replySchema = z.object({
  reply: z.object({ to: z.string(), correlationId: z.string().optional() }).optional(),
});

/** Checked, but handed on as it was read: zod's copies would lose which numbers were written as floats. */
const payloadSchema = replySchema.extend({
  prompt: z.custom<Prompt>((value) => promptSchema.safeParse(value).success),
  extraData: z
    .custom<Record<string, unknown>>((value) => extraDataSchema.safeParse(value).success)
    .default({}),
  targets: z.array(z.string()).optional(),
  limits: jobLimitsSchema.optional(),
});

const historySchema = z.record(z.string(), z.unknown());

function json(text: string | undefined): unknown {
  return text === undefined ? undefined : parseJson(text, { maxDepth: WRITTEN_DEPTH });
}

function time(milliseconds: string | undefined): string | undefined {
  return milliseconds === undefined ? undefined : new Date(Number(milliseconds)).toISOString();
}
