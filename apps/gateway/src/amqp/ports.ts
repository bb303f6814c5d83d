import type { BrokerState, TenantQueues } from "@rabbitloom/broker";
import type { ReplyAddress } from "@rabbitloom/jobs";
import type {
  ClassCheckReply,
  ControlMessage,
  JobEvent,
  JsonEvent,
  Lane,
} from "@rabbitloom/protocol";

/** A job as it goes on the wire; the body is written once, by whoever submits. */
export interface WireJob {
  readonly jobId: string;
  readonly lane: Lane;
  readonly pool: string;
  /** JSON text of a JobMessage. */
  readonly body: string;
  /** Where a service that sent it over AMQP wants its events. */
  readonly replyTo?: string | undefined;
  readonly correlationId?: string | undefined;
  /** The tenant whose own queue takes it. @default the lane */
  readonly ownQueueOf?: string | undefined;
}

/** What the gateway says to the broker. Everything resolves when the broker has confirmed. */
export interface JobPublisher {
  /** Rejects with QUEUE_FULL, NO_WORKER (no such queue) or BROKER_UNAVAILABLE. */
  publishJob(job: WireJob): Promise<void>;
  /**
   * `word` is the first word of the routing key: the gateway's or client's that the job's events go to. With `reply` they go to
   * that queue as well, where the fleet sends to such queues; rejects with QUEUE_FULL where it takes no more.
   */
  publishEvents(
    word: string | undefined,
    events: readonly [JsonEvent, ...JsonEvent[]],
    reply?: ReplyAddress,
  ): Promise<void>;
  sendControl(message: ControlMessage): Promise<void>;
  /** To one worker alone. Rejects with NO_WORKER where it is gone. */
  sendToWorker(workerId: string, message: ControlMessage): Promise<void>;
}

/** Which events reach this gateway. */
export interface EventRoutes {
  /** From when this resolves, events whose routing key starts with `word` arrive here. Doing it again changes nothing. */
  bind(word: string): Promise<void>;
  unbind(word: string): Promise<void>;
}

export interface StreamedEvents {
  readonly offset: number;
  readonly events: readonly JobEvent[];
}

/** The stream that keeps one job's events for whoever watches. */
export interface ReplyStreams {
  /** From when this resolves, the job's events are kept. Doing it again changes nothing. */
  create(jobId: string): Promise<void>;
  delete(jobId: string): Promise<void>;
  /** From the first event held, then live until the signal aborts. Throws NOT_FOUND or CONNECTION_LOST. */
  read(jobId: string, signal: AbortSignal): AsyncIterable<StreamedEvents>;
}

/** A message that the fleet has given up. */
export interface Letter {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly messageId: string | undefined;
  readonly correlationId: string | undefined;
  readonly replyTo: string | undefined;
  readonly routingKey: string;
  readonly userId?: string | undefined;
}

/** The queue of letters, kept until somebody has dealt with them. Callers take turns. */
export interface Letters {
  /** Oldest first, at most so many. */
  list(most: number): Promise<Letter[]>;
  /** Removes the first that fits once `use` has resolved. False where none fits. */
  take(isIt: (letter: Letter) => boolean, use: (letter: Letter) => Promise<void>): Promise<boolean>;
}

/** The queues that jobs wait in. */
export interface JobLanes {
  /**
   * Messages that wait, not those that a worker holds; with a tenant, in the tenant's own queue. Undefined where there is no
   * such queue.
   */
  ready(lane: string, pool: string, tenant?: string): Promise<number | undefined>;
}

export interface BrokerHealth {
  readonly state: BrokerState;
}

/** What the gateway is told without asking. */
export interface AmqpListeners {
  /** `word` is the first word of the routing key. */
  readonly onEvents: (word: string, events: readonly JobEvent[]) => void;
  /** What a worker says to the nodes it was asked about. */
  readonly onClassChecks: (reply: ClassCheckReply) => void;
  /** Events may have been missed: the connection was gone for a while. */
  readonly onGap: () => void;
  /** There is a stream for this job, whoever made it. */
  readonly onStreamFound: (jobId: string) => Promise<void>;
  /** A message of somebody else's making. */
  readonly onUnreadable: (error: unknown) => void;
}

/** Everything the gateway asks of RabbitMQ. */
export interface Amqp extends AsyncDisposable {
  readonly publisher: JobPublisher;
  readonly routes: EventRoutes;
  readonly streams: ReplyStreams;
  readonly lanes: JobLanes;
  readonly tenantQueues: TenantQueues;
  readonly letters: Letters;
  readonly health: BrokerHealth;
}
