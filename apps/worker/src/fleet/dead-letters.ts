import {
  ACK,
  type Broker,
  consume,
  type OpenDelivery,
  type Publisher,
  type Settlement,
} from "@rabbitloom/broker";
import { type JobStore, jobError } from "@rabbitloom/jobs";
import {
  isCodedError,
  jobIdOfMessage,
  REASON_HEADER,
  replyQueueOf,
  type Senders,
  type Topology,
} from "@rabbitloom/protocol";
import type { Logger } from "pino";
import * as z from "zod";
import { eventRoute } from "../jobs/event-route.ts";
import { copyOf } from "./copy-of.ts";

export interface DeadLettersOptions {
  readonly broker: Broker;
  readonly names: Topology;
  readonly publisher: Publisher;
  readonly store: Pick<JobStore, "bury" | "noteAnnounced">;
  readonly log: Logger;
  /** Of the lanes: a message is given up when it was delivered more often. */
  readonly deliveryLimit: number;
  readonly senders?: Senders | undefined;
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
  options: DeadLettersOptions,
  delivery: OpenDelivery,
): Promise<Settlement> {
  const { names, publisher, store, log } = options;
  const { headers, correlationId, messageId, body } = delivery;
  const jobId = jobIdOfMessage({ messageId, text: body.toString("utf8") });
  // Never was a job: its sender was told when it was put here.
  if (headers[REASON_HEADER] !== undefined || jobId === undefined) return ACK;

  const death = deathSchema.safeParse(headers["x-death"]).data?.[0];
  const burial = await store.bury(
    jobId,
    jobError("JOB_DEAD", "The job was given up: every delivery of it failed."),
    // A worker rejects what it will not try again; the broker counts deliveries, which lost connections raise, too.
    death?.reason === "delivery_limit" ? options.deliveryLimit + 1 : 1,
  );
  log.warn({ jobId, burial: burial.type }, "dead letter");
  switch (burial.type) {
    case "ended":
    case "unknown":
      return ACK;
    case "blameless":
      await sendAgain(options, delivery, death?.queue);
      return ACK;
    case "buried": {
      const { attempt, error, gatewayId } = burial;
      const replyTo = replyQueueOf(delivery, options);
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

/** The same job once more, with its deliveries counted from the start. */
async function sendAgain(
  { publisher, names, senders }: DeadLettersOptions,
  delivery: OpenDelivery,
  queue: string | undefined,
): Promise<void> {
  const copy = { ...copyOf(delivery, { senders }), mandatory: true };
  const patient = { waitsForever: true };
  const byKey = { ...copy, exchange: names.jobs.exchange, routingKey: delivery.routingKey };
  if (queue === undefined) return publisher.publish(byKey, patient);
  try {
    await publisher.publish({ ...copy, exchange: "", routingKey: queue }, patient);
  } catch (error) {
    if (!isCodedError(error) || error.code !== "NO_WORKER") throw error;
    // A tenant's own queue that is gone: the lane takes the job.
    const [pool = "", lane = ""] = queue.slice(`${names.prefix}.jobs.`.length).split(".");
    await publisher.publish({ ...byKey, routingKey: `${lane}.${pool}` }, patient);
  }
}

const deathSchema = z.array(z.looseObject({ queue: z.string(), reason: z.string() }));
