import type { NackMeaning, OutgoingMessage, Publisher } from "@rabbitloom/broker";
import {
  encodeEvents,
  encodePreview,
  type JsonEvent,
  type PreviewEvent,
  type Topology,
  type WireMessage,
} from "@rabbitloom/protocol";

/** Where the events of one job go: to the events exchange, and to the queue that its sender named. */
export interface EventRoute {
  /** In order, without waiting for the broker. Throws BROKER_UNAVAILABLE where it has confirmed nothing for long. */
  post(events: readonly [JsonEvent, ...JsonEvent[]]): void;
  postPreview(preview: PreviewEvent): void;
  /** Resolves when the broker has confirmed; waits as long as it is away. */
  publish(events: readonly [JsonEvent, ...JsonEvent[]]): Promise<void>;
}

export interface EventRouteOptions {
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly jobId: string;
  readonly gatewayId?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly correlationId?: string | undefined;
}

interface Target {
  readonly exchange: string;
  readonly routingKey: string;
  readonly nack: NackMeaning;
}

interface Addressed {
  readonly message: OutgoingMessage;
  readonly nack: NackMeaning;
}

export function eventRoute(options: EventRouteOptions): EventRoute {
  const { publisher, names, jobId, gatewayId, replyTo, correlationId } = options;
  const targets: readonly Target[] = [
    {
      exchange: names.events.exchange,
      routingKey: names.events.key(gatewayId, jobId),
      nack: "trouble",
    },
    // A queue of somebody else's making, which may have a limit.
    ...(replyTo === undefined
      ? []
      : [{ exchange: "", routingKey: replyTo, nack: "full" } satisfies Target]),
  ];

  /** The same body once for each target. */
  function messages(wire: WireMessage, persistent: boolean): Addressed[] {
    const { body: content, ...properties } = wire;
    const body = typeof content === "string" ? Buffer.from(content) : toBuffer(content);
    return targets.map(({ nack, ...target }) => ({
      nack,
      message: {
        ...target,
        ...properties,
        body,
        persistent,
        ...(correlationId !== undefined && { correlationId }),
      },
    }));
  }

  function post(wire: WireMessage): void {
    for (const { message, nack } of messages(wire, false)) publisher.post(message, { nack });
  }

  return {
    post: (events) => post(encodeEvents(events)),
    postPreview: (preview) => post(encodePreview(preview)),
    async publish(events) {
      await Promise.all(
        messages(encodeEvents(events), true).map(({ message, nack }) =>
          publisher.publish(message, { waitsForever: true, nack }),
        ),
      );
    },
  };
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
