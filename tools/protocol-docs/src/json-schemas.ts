import {
  classCheckReplySchema,
  controlMessageSchema,
  jobMessageSchema,
  jsonEventSchemas,
  previewFactsSchema,
  watchTicketSchema,
  workerRegistrationSchema,
} from "@rabbitloom/protocol";
import * as z from "zod";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** What travels, by name, as JSON Schema draft 7: the dialect that AsyncAPI takes by default. */
export function jsonSchemas() {
  return {
    job: toJsonSchema(jobMessageSchema, "input"),
    events: Object.fromEntries(
      Object.entries(jsonEventSchemas).map(([type, schema]) => [type, toJsonSchema(schema)]),
    ),
    preview: toJsonSchema(previewFactsSchema),
    control: Object.fromEntries(
      controlMessageSchema.options.map((schema) => [schema.shape.type.value, toJsonSchema(schema)]),
    ),
    nodesChecked: toJsonSchema(classCheckReplySchema),
    workerRegistration: toJsonSchema(workerRegistrationSchema),
    watchTicket: toJsonSchema(watchTicketSchema),
  };
}

/** Writers may leave out what has a default (`input`); readers always find it (`output`). */
function toJsonSchema(schema: z.ZodType, io: "input" | "output" = "output"): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: "draft-7", io });
  return rest;
}
