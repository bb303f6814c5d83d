import {
  ACK,
  type Broker,
  consume,
  type OpenDelivery,
  type Publisher,
  type Settlement,
} from "@rabbitloom/broker";
import { type JobStore, jobError } from "@rabbitloom/jobs";
import { jobIdSchema, type Topology } from "@rabbitloom/protocol";
import { parseJson } from "@rabbitloom/workflow";
import type { Logger } from "pino";
import * as z from "zod";
import { eventRoute } from "../jobs/event-route.ts";
import { REASON_HEADER } from "../jobs/malformed.ts";

export interface DeadLettersOptions {
  readonly broker: Broker;
  readonly names: Topology;
  readonly publisher: Publisher;
  readonly store: Pick<JobStore, "bury" | "noteAnnounced">;
  readonly log: Logger;
}

/**
 * Settles the records of jobs that the broker gave up: too many deliveries came to nothing. It reads copies; the
 * letters themselves stay in the dead queue for people.
 */
export function watchDeadLetters(options: DeadLettersOptions): Promise<AsyncDisposable> {
  const { broker, names } = options;
  return consume(broker, {
    queue: names.dead.watchQueue,
    prefetch: 8,
    handle: (delivery) => settleDeadLetter(options, delivery),
  });
}

async function settleDeadLetter(
  { names, publisher, store, log }: DeadLettersOptions,
  delivery: OpenDelivery,
): Promise<Settlement> {
  const { headers, replyTo, correlationId } = delivery;
  const jobId = jobIdOf(delivery);
  // Never was a job: its sender was told when it was put here.
  if (headers[REASON_HEADER] !== undefined || jobId === undefined) return ACK;

  const attempts = deathSchema.safeParse(headers["x-death"]).data?.[0];
  const burial = await store.bury(
    jobId,
    jobError("JOB_DEAD", "The job was given up: every delivery of it failed."),
  );
  log.warn({ jobId, burial: burial.type }, "dead letter");
  switch (burial.type) {
    case "ended":
    case "unknown":
      return ACK;
    case "blameless":
      await publisher.publish(again(delivery, names, attempts?.["routing-keys"][0]), {
        waitsForever: true,
      });
      return ACK;
    case "buried": {
      const { attempt, error, gatewayId } = burial;
      const route = eventRoute({ publisher, names, jobId, gatewayId, replyTo, correlationId });
      const at = new Date().toISOString();
      await route.publish([
        { v: 1, type: "job-end", jobId, attempt, seq: 1, at, state: "dead", outputs: {}, error },
      ]);
      await store.noteAnnounced(jobId, attempt);
      return ACK;
    }
  }
}

function jobIdOf({ messageId, body }: OpenDelivery): string | undefined {
  const named = jobIdSchema.safeParse(messageId);
  if (named.success) return named.data;
  try {
    return z.object({ jobId: jobIdSchema }).parse(parseJson(body.toString("utf8"))).jobId;
  } catch {
    return undefined;
  }
}

/** The same job once more, with its deliveries counted from the start. */
function again(delivery: OpenDelivery, names: Topology, routingKey = delivery.routingKey) {
  const { body, messageId, correlationId, replyTo, contentType, type } = delivery;
  return {
    exchange: names.jobs.exchange,
    routingKey,
    body,
    persistent: true,
    ...(messageId !== undefined && { messageId }),
    ...(correlationId !== undefined && { correlationId }),
    ...(replyTo !== undefined && { replyTo }),
    ...(contentType !== undefined && { contentType }),
    ...(type !== undefined && { type }),
  };
}

const deathSchema = z.array(z.looseObject({ "routing-keys": z.array(z.string()) }));
