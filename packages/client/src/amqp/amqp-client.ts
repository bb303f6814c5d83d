import {
  ACK,
  type BrokerProblem,
  connectBroker,
  consume,
  type Delivery,
  openPublisher,
} from "@rabbitloom/broker";
import {
  CodedError,
  DEFAULT_POOL,
  decodeEvents,
  encodeJob,
  type JobEndEvent,
  type JobEvent,
  type JobMessageInput,
  jobIdSchema,
  type Prompt,
  serviceQueueArguments,
  topology,
  userOf,
} from "@rabbitloom/protocol";
import { type JobFeed, jobFeed } from "./job-feed.ts";

export interface AmqpClientOptions {
  /** `amqp://user:password@host:port/vhost`. */
  readonly url: string;
  /** First part of every name on the broker: the fleet's own. @default "loom" */
  readonly prefix?: string;
  /**
   * Sends to this tenant's own queue, and says as which user of the broker: where a fleet has AMQP_TENANTS, the user's
   * jobs are that tenant's. @default to the lanes, saying nothing
   */
  readonly tenant?: string;
  /** Shown in the broker's list of connections. @default "rabbitloom client" */
  readonly name?: string;
  /** How long the reply queue waits for this client after its connection is lost. @default 300_000 */
  readonly keepRepliesMs?: number;
  /** Told about what went wrong and is being repaired: for the log. */
  readonly onProblem?: (problem: BrokerProblem) => void;
}

export interface AmqpSubmitOptions
  extends Pick<
    JobMessageInput,
    "extraData" | "targets" | "clientId" | "lane" | "pool" | "tags" | "deadlineAt" | "limits"
  > {
  /** 1 to 64 of A-Z a-z 0-9 _ -. @default a random UUID */
  readonly jobId?: string;
  /** Keep previews for `events`; they are the large part of it. @default true */
  readonly previews?: boolean;
  /** How long the broker may take to confirm, reconnects included. @default 10_000 */
  readonly confirmWithinMs?: number;
}

/** A job that the broker has confirmed. */
export interface AmqpJob {
  readonly jobId: string;
  /** Every event once and in order, up to `job-end`; kept until they are read, which can be done once. */
  readonly events: AsyncIterable<JobEvent>;
  /** The end of a job that succeeded. Rejects with the job's error, or with CONNECTION_LOST when the client is closed. */
  readonly result: Promise<JobEndEvent>;
}

/** Sends jobs straight to the broker and gets their events on a reply queue of its own. */
export interface AmqpClient extends AsyncDisposable {
  readonly replyQueue: string;
  /**
   * Resolves when the broker has confirmed the job. Rejects with QUEUE_FULL where the lane takes no more,
   * with NO_WORKER where the fleet's exchange leads nowhere, with BROKER_UNAVAILABLE while the broker cannot be reached
   * or does not confirm in time: the job may have arrived all the same.
   */
  submit(prompt: Prompt, options?: AmqpSubmitOptions): Promise<AmqpJob>;
}

/** Deliveries that may be on their way to this client at once. */
const PREFETCH = 200;

/**
 * Connects a backend service to a fleet's broker.
 *
 * A lost connection is opened again by itself. Submissions that were not confirmed are sent again, under
 * the same message id; events of the time without a connection wait in the reply queue, for `keepRepliesMs`. Events
 * that were lost nonetheless (the broker itself died) show as a `job-gap`.
 */
export async function connectAmqpClient(options: AmqpClientOptions): Promise<AmqpClient> {
  const {
    url,
    prefix,
    tenant,
    name = "rabbitloom client",
    keepRepliesMs = 300_000,
    onProblem,
  } = options;
  const names = topology(prefix === undefined ? {} : { prefix });
  const replyQueue = names.service(crypto.randomUUID());
  const feeds = new Map<string, JobFeed>();
  let isClosed = false;

  const broker = await connectBroker({ url, name, ...(onProblem && { onProblem }) });
  const publisher = openPublisher(broker);
  const replies = await consume(broker, {
    queue: replyQueue,
    prefetch: PREFETCH,
    async setup(channel) {
      await channel.assertQueue(replyQueue, {
        durable: true,
        arguments: serviceQueueArguments(keepRepliesMs),
      });
    },
    handle(delivery) {
      dispatch(delivery);
      return Promise.resolve(ACK);
    },
  });

  function dispatch(delivery: Delivery) {
    for (const event of eventsOf(delivery)) {
      const isEnd = feeds.get(event.jobId)?.take(event) ?? false;
      if (isEnd) feeds.delete(event.jobId);
    }
  }

  function eventsOf({ contentType, type, headers, body }: Delivery): readonly JobEvent[] {
    try {
      const text = () => body.toString();
      return decodeEvents({ contentType, type, headers, text, bytes: () => new Uint8Array(body) });
    } catch (cause) {
      broker.onProblem({ where: `replies on ${replyQueue}`, error: CodedError.from(cause) });
      return [];
    }
  }

  return {
    replyQueue,
    async submit(prompt, submitOptions = {}) {
      const { jobId = crypto.randomUUID(), previews = true, confirmWithinMs } = submitOptions;
      const { lane = "normal", pool = DEFAULT_POOL, ...facts } = jobFacts(submitOptions);
      if (isClosed) throw new CodedError("CONNECTION_LOST", "this AMQP client is closed");
      checkId(jobId);
      if (feeds.has(jobId)) {
        throw new CodedError("CONFLICT", `job ${jobId} was submitted before and has not ended`);
      }
      const feed = jobFeed({ keepsPreviews: previews });
      feeds.set(jobId, feed);
      const { body, ...properties } = encodeJob({
        ...facts,
        lane,
        pool,
        jobId,
        prompt,
        ...(tenant !== undefined && { tenant }),
      });
      try {
        await publisher.publish(
          {
            ...properties,
            ...(tenant !== undefined && { userId: userOf(url) }),
            exchange: names.jobs.exchange,
            routingKey: names.jobs.key(lane, pool, tenant),
            body: Buffer.from(body),
            correlationId: jobId,
            replyTo: replyQueue,
            persistent: true,
            mandatory: true,
          },
          confirmWithinMs === undefined ? {} : { deadlineMs: confirmWithinMs },
        );
      } catch (error) {
        feeds.delete(jobId);
        throw error;
      }
      return { jobId, events: feed.events, result: feed.result };
    },
    async [Symbol.asyncDispose]() {
      if (isClosed) return;
      isClosed = true;
      for (const [jobId, feed] of feeds) {
        feed.fail(new CodedError("CONNECTION_LOST", `job ${jobId}: the AMQP client was closed`));
      }
      feeds.clear();
      await replies[Symbol.asyncDispose]();
      // Without its queue the broker drops what the jobs still say; where it is away, x-expires does it.
      await broker.withChannel((channel) => channel.deleteQueue(replyQueue)).catch(() => undefined);
      await publisher[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

function jobFacts(options: AmqpSubmitOptions) {
  const { jobId: _, previews: __, confirmWithinMs: ___, ...facts } = options;
  return { ...facts, submittedAt: new Date().toISOString() };
}

function checkId(jobId: string): void {
  const checked = jobIdSchema.safeParse(jobId);
  if (checked.success) return;
  const reason = checked.error.issues[0]?.message;
  throw new CodedError("INVALID_REQUEST", `job id ${JSON.stringify(jobId)}: ${reason}`);
}
