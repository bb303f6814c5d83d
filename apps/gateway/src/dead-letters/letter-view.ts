import { createHash } from "node:crypto";
import { type DeadLetter, jobIdOfMessage, REASON_HEADER } from "@rabbitloom/protocol";
import * as z from "zod";
import type { Letter } from "../amqp/ports.ts";

const ID_DIGITS = 16;

/** RabbitMQ's account of a death, the latest first. */
const deathSchema = z.array(
  z.looseObject({
    reason: z.string(),
    time: z.object({ value: z.number() }).optional(),
    "routing-keys": z.array(z.string()).default([]),
  }),
);

export function letterView(letter: Letter): DeadLetter {
  const { body, headers, messageId, routingKey } = letter;
  const detail = headers[REASON_HEADER];
  const death = deathSchema.safeParse(headers["x-death"]).data?.[0];
  const text = body.toString("utf8");
  const jobId = detail === undefined ? jobIdOfMessage({ messageId, text }) : undefined;
  const diedAt = death?.time?.value;
  return {
    id: createHash("sha256")
      .update(messageId ?? "")
      .update(body)
      .digest("hex")
      .slice(0, ID_DIGITS),
    ...(jobId !== undefined && { jobId }),
    reason: detail === undefined ? (death?.reason ?? "unknown") : "malformed",
    ...(typeof detail === "string" && { detail }),
    routingKey: death?.["routing-keys"][0] ?? routingKey,
    ...(diedAt !== undefined && { diedAt: new Date(diedAt * 1_000).toISOString() }),
    sizeBytes: body.byteLength,
  };
}
