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
  type JobError,
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
  const { store, log } = options;
  const { headers, messageId, body } = delivery;
  const jobId = jobIdOfMessage({ messageId, text: body.toString("utf8") });
  // Never was a job: its sender was told when it was put here.
  if (headers[REASON_HEADER] !== undefined || jobId === undefined) return ACK;

  const death = deathSchema.safeParse(headers["x-death"]).data?.[0];
  const burial = await store.bury(
    jobId,
    dead,
    // A worker rejects what it will not try again; the broker counts deliveries, which lost connections raise, too.
    death?.reason === "delivery_limit" ? options.deliveryLimit + 1 : 1,
  );
  log.warn({ jobId, burial: burial.type }, "dead letter");
  switch (burial.type) {
    case "ended":
      return ACK;
    case "blameless":
      await sendAgain(options, delivery, { queue: death?.queue });
      return ACK;
    case "unknown": {
      // No worker took it: each handed it back, or was lost. One that kills workers before they can claim it ends here.
      const rounds = roundsOf(headers) + 1;
      if (rounds < MOST_ROUNDS) {
        const again = { [ROUNDS_HEADER]: String(rounds) };
        await sendAgain(options, delivery, { queue: death?.queue, headers: again });
      } else {
        await sayDead(options, delivery, { jobId, attempt: 1, error: dead });
      }
      return ACK;
    }
    case "buried": {
      await sayDead(options, delivery, { jobId, ...burial });
      await store.noteAnnounced(jobId, burial.attempt);
      return ACK;
    }
  }
}

const dead = jobError("JOB_DEAD", "The job was given up: every delivery of it failed.");

/** How often a message that no worker ever took was sent again. */
const ROUNDS_HEADER = "loom-rounds";
const MOST_ROUNDS = 4;

/** Whoever sends a message may have written the header. */
function roundsOf(headers: OpenDelivery["headers"]): number {
  return z.coerce
    .number()
    .int()
    .min(0)
    .catch(MOST_ROUNDS)
    .parse(headers[ROUNDS_HEADER] ?? 0);
}

interface DeadJob {
  readonly jobId: string;
  readonly attempt: number;
  readonly error: JobError;
  readonly gatewayId?: string;
}

async function sayDead(
  options: DeadLettersOptions,
  delivery: OpenDelivery,
  { jobId, attempt, error, gatewayId }: DeadJob,
): Promise<void> {
  const { publisher, names } = options;
  const replyTo = replyQueueOf(delivery, options);
  const { correlationId } = delivery;
  const route = eventRoute({ publisher, names, jobId, gatewayId, replyTo, correlationId });
  const at = new Date().toISOString();
  await route.publish([
    { v: 1, type: "job-end", jobId, attempt, seq: 1, at, state: "dead", outputs: {}, error },
  ]);
}

/** The same job once more, with its deliveries counted from the start. */
async function sendAgain(
  { publisher, names, senders }: DeadLettersOptions,
  delivery: OpenDelivery,
  {
    queue,
    headers = {},
  }: { readonly queue: string | undefined; readonly headers?: Readonly<Record<string, string>> },
): Promise<void> {
  const copy = { ...copyOf(delivery, { headers, senders }), mandatory: true };
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
