import { deadLetterSchema, jobIdSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import { exampleId } from "../comfy/prompt-operations.ts";
import { json, type Operation, operation } from "../openapi/operation.ts";

export const letterQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(10_000).default(100).meta({ example: 20 }),
});

const exampleLetter = {
  id: "0f3a9c1e5b7d2486",
  jobId: exampleId,
  reason: "rejected",
  routingKey: "normal.default",
  diedAt: "2026-01-01T12:00:00.000Z",
  sizeBytes: 2048,
};
const params = {
  path: z.object({
    id: z
      .string()
      .meta({ example: exampleLetter.id, description: "The letter's id or its job's." }),
  }),
};
const errors = ["NOT_FOUND", "CONFLICT", "BROKER_UNAVAILABLE", "STORE_UNAVAILABLE"] as const;

/** Only who may run the fleet sees other people's messages. */
export function operatorOnly(declared: Operation) {
  return { config: { ...operation(declared).config, access: "operate" as const } };
}

export const listLetters: Operation = {
  operationId: "listDeadLetters",
  surface: "v1",
  summary: "Messages that the fleet has given up",
  description: "The oldest first. They stay until they are replayed or thrown away.",
  requestParams: { query: letterQuerySchema },
  responses: {
    "200": {
      description: "At most `limit`.",
      content: json(z.object({ letters: z.array(deadLetterSchema) }), { letters: [exampleLetter] }),
    },
  },
  errors: ["INVALID_REQUEST", "CONFLICT", "BROKER_UNAVAILABLE", "STORE_UNAVAILABLE"],
};

export const readLetter: Operation = {
  operationId: "readDeadLetter",
  surface: "v1",
  summary: "One dead letter with its body",
  requestParams: params,
  responses: {
    "200": {
      description: "The message as it was sent.",
      content: json(deadLetterSchema, { ...exampleLetter, body: '{"prompt":{}}' }),
    },
  },
  errors,
};

export const replayLetter: Operation = {
  operationId: "replayDeadLetter",
  surface: "v1",
  summary: "Runs a dead letter's job again",
  description:
    "As a new job: what has ended stays ended. A deadline of the old one does not count any more.",
  requestParams: params,
  responses: {
    "202": {
      description: "The new job is on its way, and the letter is gone.",
      content: json(z.object({ jobId: jobIdSchema }), { jobId: exampleId }),
    },
  },
  errors: [
    ...errors,
    "INVALID_REQUEST",
    "INVALID_JSON",
    "LIMIT_EXCEEDED",
    "PAYLOAD_TOO_LARGE",
    "QUEUE_FULL",
  ],
};

export const dropLetter: Operation = {
  operationId: "dropDeadLetter",
  surface: "v1",
  summary: "Throws a dead letter away",
  requestParams: params,
  responses: { "204": { description: "It is gone." } },
  errors,
};
