import { randomUUID } from "node:crypto";
import {
  type Broker,
  createReplyStream,
  type Delivery,
  declareTopology,
  deleteReplyStream,
  lookThroughDeadLetters,
  openPublisher,
  type Publisher,
  readReplyStream,
  readyMessages,
  subscribe,
  tenantQueues,
} from "@rabbitloom/broker";
import {
  type ClassCheckReply,
  classCheckReplySchema,
  decodeEvents,
  encodeEvents,
  type JobEvent,
  type JobQueueOptions,
  laneSchema,
  replyQueueOf,
  type Senders,
  type Topology,
} from "@rabbitloom/protocol";
import type {
  Amqp,
  AmqpListeners,
  EventRoutes,
  JobLanes,
  JobPublisher,
  Letters,
  ReplyStreams,
} from "./ports.ts";
import { openStreamNotes, type StreamNotes } from "./stream-notes.ts";

export interface AmqpOptions extends AmqpListeners {
  readonly broker: Broker;
  readonly names: Topology;
  readonly gatewayId: string;
  readonly pools: readonly string[];
  readonly limits: JobQueueOptions;
  /** How often streams are looked for that Redis and their gateways may have forgotten. */
  readonly strayMs: number;
  /** Where not everybody is believed whose a job is. */
  readonly senders: Senders | undefined;
}

/** Declares the fleet's topology and opens this gateway's own exclusive queue. */
export async function openAmqp(options: AmqpOptions): Promise<Amqp> {
  const { broker, names, gatewayId, pools, limits } = options;
  const { onEvents, onClassChecks, onGap, onStreamFound, onUnreadable } = options;
  await declareTopology(broker, names, { pools, ...limits });
  const queue = names.gateway(gatewayId);
  // The same array is read again after every reconnect, with what has been added since.
  const keys = [names.events.ofGateway(gatewayId)];
  const subscription = await subscribe(broker, {
    exchange: names.events.exchange,
    queue,
    keys,
    onMessage: (delivery) => {
      if (delivery.type === "nodes-checked") {
        const reply = readReply(delivery, onUnreadable);
        if (reply !== undefined) onClassChecks(reply);
        return;
      }
      const events = readEvents(delivery, onUnreadable);
      if (events.length > 0) onEvents(delivery.routingKey.split(".", 1)[0] ?? "-", events);
    },
    onResubscribed: onGap,
  });
  const publisher = openPublisher(broker, { name: "gateway" });
  const notes = await openStreamNotes({
    broker,
    publisher,
    names,
    everyMs: options.strayMs,
    onFound: onStreamFound,
  });

  return {
    publisher: jobPublisher(publisher, names, options.senders),
    routes: eventRoutes({ broker, names, queue, keys }),
    streams: replyStreams({ broker, names, notes, onUnreadable }),
    lanes: jobLanes(broker, names),
    tenantQueues: tenantQueues({ broker, publisher, names, limits }),
    letters: letters(broker, names),
    health: broker,
    async [Symbol.asyncDispose]() {
      await subscription[Symbol.asyncDispose]();
      await notes[Symbol.asyncDispose]();
      await publisher[Symbol.asyncDispose]();
    },
  };
}

function readReply(
  { body }: Delivery,
  onUnreadable: (error: unknown) => void,
): ClassCheckReply | undefined {
  try {
    return classCheckReplySchema.parse(JSON.parse(body.toString("utf8")));
  } catch (error) {
    onUnreadable(error);
    return undefined;
  }
}

/** Long enough for a reconnect, short enough that a client hears of a broker that is gone. */
const JOB_DEADLINE_MS = 3_000;

function jobPublisher(
  publisher: Publisher,
  names: Topology,
  senders: Senders | undefined,
): JobPublisher {
  return {
    publishJob: ({ jobId, lane, pool, body, replyTo, correlationId, ownQueueOf }) => {
      // It came with a service's message, and the message is now the fleet's own, which is believed.
      const toService = replyQueueOf({ replyTo }, { names, senders });
      return publisher.publish(
        {
          // To a tenant's queue by its name: the jobs exchange has an alternate one, and would not say that it is missing.
          ...(ownQueueOf === undefined
            ? { exchange: names.jobs.exchange, routingKey: names.jobs.key(lane, pool) }
            : { exchange: "", routingKey: names.jobs.queue(lane, pool, ownQueueOf) }),
          ...(senders !== undefined && { userId: senders.own }),
          contentType: "application/json",
          type: "job",
          messageId: jobId,
          body: Buffer.from(body),
          persistent: true,
          mandatory: true,
          ...(toService !== undefined && { replyTo: toService }),
          ...(correlationId !== undefined && { correlationId }),
        },
        { deadlineMs: JOB_DEADLINE_MS },
      );
    },
    publishEvents: async (word, events, reply) => {
      const { body, ...properties } = encodeEvents(events);
      const message = {
        ...properties,
        body: Buffer.from(body),
        persistent: true,
        ...(reply?.correlationId !== undefined && { correlationId: reply.correlationId }),
      };
      const { exchange } = names.events;
      const routingKey = names.events.key(word, events[0].jobId);
      const toService = replyQueueOf({ replyTo: reply?.to }, { names, senders });
      await Promise.all([
        publisher.publish({ ...message, exchange, routingKey }, { nack: "trouble" }),
        // A queue of somebody else's making, which may have a limit.
        toService !== undefined &&
          publisher.publish({ ...message, exchange: "", routingKey: toService }),
      ]);
    },
    sendControl: (message) =>
      publisher.publish({
        exchange: names.control.exchange,
        routingKey: "",
        contentType: "application/json",
        type: message.type,
        body: Buffer.from(JSON.stringify(message)),
      }),
    sendToWorker: (workerId, message) =>
      publisher.publish({
        exchange: "",
        routingKey: names.control.queue(workerId),
        contentType: "application/json",
        type: message.type,
        messageId: randomUUID(),
        body: Buffer.from(JSON.stringify(message)),
        mandatory: true,
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

function replyStreams({
  broker,
  names,
  notes,
  onUnreadable,
}: {
  readonly broker: Broker;
  readonly names: Topology;
  readonly notes: StreamNotes;
  readonly onUnreadable: (error: unknown) => void;
}): ReplyStreams {
  return {
    async create(jobId) {
      await notes.write(jobId);
      await createReplyStream(broker, names, jobId);
    },
    delete: (jobId) => deleteReplyStream(broker, names, jobId),
    async *read(jobId, signal) {
      for await (const message of readReplyStream(broker, names, { jobId, signal })) {
        yield { offset: message.offset, events: readEvents(message, onUnreadable) };
      }
    },
  };
}

function jobLanes(broker: Broker, names: Topology): JobLanes {
  return {
    async ready(lane, pool, tenant) {
      const known = laneSchema.safeParse(lane);
      if (!known.success) return undefined;
      return readyMessages(broker, names.jobs.queue(known.data, pool, tenant));
    },
  };
}

/** More than anybody will look through one by one. */
const MOST_LETTERS = 10_000;

function letters(broker: Broker, names: Topology): Letters {
  return {
    async list(most) {
      const seen: Delivery[] = [];
      await lookThroughDeadLetters(broker, names, {
        most,
        look: (letter) => void seen.push(letter),
      });
      return seen;
    },
    async take(isIt, use) {
      const found = await lookThroughDeadLetters(broker, names, {
        most: MOST_LETTERS,
        look: (letter) => (isIt(letter) ? true : undefined),
        take: use,
      });
      return found === true;
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
