import {
  type Broker,
  createReplyStream,
  type Delivery,
  declareTopology,
  deleteReplyStream,
  openPublisher,
  type Publisher,
  readReplyStream,
  subscribe,
} from "@rabbitloom/broker";
import {
  decodeEvents,
  encodeEvents,
  type JobEvent,
  type JobQueueOptions,
  type Topology,
} from "@rabbitloom/protocol";
import type { Amqp, AmqpListeners, EventRoutes, JobPublisher, ReplyStreams } from "./ports.ts";

export interface AmqpOptions extends AmqpListeners {
  readonly broker: Broker;
  readonly names: Topology;
  readonly gatewayId: string;
  readonly pools: readonly string[];
  readonly limits: JobQueueOptions;
}

/** Declares the fleet's topology and opens this gateway's own exclusive queue. */
export async function openAmqp(options: AmqpOptions): Promise<Amqp> {
  const { broker, names, gatewayId, pools, limits, onEvents, onGap, onUnreadable } = options;
  await declareTopology(broker, names, { pools, ...limits });
  const queue = names.gateway(gatewayId);
  // The same array is read again after every reconnect, with what has been added since.
  const keys = [names.events.ofGateway(gatewayId)];
  const subscription = await subscribe(broker, {
    exchange: names.events.exchange,
    queue,
    keys,
    onMessage: (delivery) => {
      const events = readEvents(delivery, onUnreadable);
      if (events.length > 0) onEvents(delivery.routingKey.split(".", 1)[0] ?? "-", events);
    },
    onResubscribed: onGap,
  });
  const publisher = openPublisher(broker, { name: "gateway" });

  return {
    publisher: jobPublisher(publisher, names),
    routes: eventRoutes({ broker, names, queue, keys }),
    streams: replyStreams(broker, names, onUnreadable),
    health: broker,
    async [Symbol.asyncDispose]() {
      await subscription[Symbol.asyncDispose]();
      await publisher[Symbol.asyncDispose]();
    },
  };
}

/** Long enough for a reconnect, short enough that a client hears of a broker that is gone. */
const JOB_DEADLINE_MS = 3_000;

function jobPublisher(publisher: Publisher, names: Topology): JobPublisher {
  return {
    publishJob: ({ jobId, lane, pool, body }) =>
      publisher.publish(
        {
          exchange: names.jobs.exchange,
          routingKey: names.jobs.key(lane, pool),
          contentType: "application/json",
          type: "job",
          messageId: jobId,
          body: Buffer.from(body),
          persistent: true,
          mandatory: true,
        },
        { deadlineMs: JOB_DEADLINE_MS },
      ),
    publishEvents: (word, events) => {
      const { body, ...properties } = encodeEvents(events);
      return publisher.publish({
        exchange: names.events.exchange,
        routingKey: names.events.key(word, events[0].jobId),
        ...properties,
        body: Buffer.from(body),
        persistent: true,
      });
    },
    sendControl: (message) =>
      publisher.publish({
        exchange: names.control.exchange,
        routingKey: "",
        contentType: "application/json",
        type: message.type,
        body: Buffer.from(JSON.stringify(message)),
      }),
  };
}

function eventRoutes({
  broker,
  names,
  queue,
  keys,
}: {
  readonly broker: Broker;
  readonly names: Topology;
  readonly queue: string;
  readonly keys: string[];
}): EventRoutes {
  return {
    async bind(word) {
      const key = names.events.ofGateway(word);
      if (keys.includes(key)) return;
      await broker.withChannel((channel) => channel.bindQueue(queue, names.events.exchange, key));
      keys.push(key);
    },
    async unbind(word) {
      const key = names.events.ofGateway(word);
      const index = keys.indexOf(key);
      if (index < 1) return;
      keys.splice(index, 1);
      await broker.withChannel((channel) => channel.unbindQueue(queue, names.events.exchange, key));
    },
  };
}

function replyStreams(
  broker: Broker,
  names: Topology,
  onUnreadable: (error: unknown) => void,
): ReplyStreams {
  return {
    create: (jobId) => createReplyStream(broker, names, jobId),
    delete: (jobId) => deleteReplyStream(broker, names, jobId),
    async *read(jobId, signal) {
      for await (const message of readReplyStream(broker, names, { jobId, signal })) {
        yield { offset: message.offset, events: readEvents(message, onUnreadable) };
      }
    },
  };
}

/** A message nobody can read is said once and left out: the ones after it still count. */
function readEvents(delivery: Delivery, onUnreadable: (error: unknown) => void): JobEvent[] {
  const { body, contentType, type, headers } = delivery;
  try {
    return decodeEvents({
      contentType,
      type,
      headers,
      text: () => body.toString("utf8"),
      bytes: () => body,
    });
  } catch (error) {
    onUnreadable(error);
    return [];
  }
}
