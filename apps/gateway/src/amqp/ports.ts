import type { BrokerState } from "@rabbitloom/broker";
import type { ControlMessage, JobEvent, JsonEvent, Lane } from "@rabbitloom/protocol";

/** A job as it goes on the wire; the body is written once, by whoever submits. */
export interface WireJob {
  readonly jobId: string;
  readonly lane: Lane;
  readonly pool: string;
  /** JSON text of a JobMessage. */
  readonly body: string;
}

/** What the gateway says to the broker. Everything resolves when the broker has confirmed. */
export interface JobPublisher {
  /** Rejects with QUEUE_FULL, NO_WORKER or BROKER_UNAVAILABLE. */
  publishJob(job: WireJob): Promise<void>;
  /** `word` is the first word of the routing key: the gateway's or client's that the job's events go to. */
  publishEvents(
    word: string | undefined,
    events: readonly [JsonEvent, ...JsonEvent[]],
  ): Promise<void>;
  sendControl(message: ControlMessage): Promise<void>;
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

export interface BrokerHealth {
  readonly state: BrokerState;
}

/** What the gateway is told without asking. */
export interface AmqpListeners {
  /** `word` is the first word of the routing key. */
  readonly onEvents: (word: string, events: readonly JobEvent[]) => void;
  /** Events may have been missed: the connection was gone for a while. */
  readonly onGap: () => void;
  /** A message of somebody else's making. */
  readonly onUnreadable: (error: unknown) => void;
}

/** Everything the gateway asks of RabbitMQ. */
export interface Amqp extends AsyncDisposable {
  readonly publisher: JobPublisher;
  readonly routes: EventRoutes;
  readonly streams: ReplyStreams;
  readonly health: BrokerHealth;
}
