import {
  ACK,
  type Broker,
  consume,
  type OpenDelivery,
  type Publisher,
  readyMessages,
  type Settlement,
} from "@rabbitloom/broker";
import { jobIdSchema, type Topology } from "@rabbitloom/protocol";

/**
 * Notes about streams that are kept where the streams are. A stream takes no expiry, so that one which Redis has forgotten
 * together with the gateway that made it would stay for ever: its note comes back to some gateway after a while, again and
 * again until the stream is gone.
 */
export interface StreamNotes extends AsyncDisposable {
  /** Resolves when the broker has the note: before the stream is made. */
  write(jobId: string): Promise<void>;
}

export interface StreamNotesOptions {
  readonly broker: Broker;
  readonly publisher: Publisher;
  readonly names: Topology;
  readonly everyMs: number;
  /** The job's stream is there: whoever sweeps streams has to know. */
  readonly onFound: (jobId: string) => Promise<void>;
}

export async function openStreamNotes(options: StreamNotesOptions): Promise<StreamNotes> {
  const { broker, publisher, names, everyMs, onFound } = options;

  const write = (jobId: string) =>
    publisher.publish({
      exchange: "",
      routingKey: names.streamNotes.waiting,
      messageId: jobId,
      body: Buffer.alloc(0),
      persistent: true,
      expiration: String(everyMs),
    });

  /** Looked for, and the connection was lost over it. */
  const lookedFor = new Set<string>();

  async function look({ messageId }: OpenDelivery): Promise<Settlement> {
    const { data: jobId } = jobIdSchema.safeParse(messageId);
    if (jobId === undefined) return ACK;
    // RabbitMQ 3.10, killed while it declares a stream, closes every connection that asks for it: once each time.
    if (!lookedFor.delete(jobId)) {
      lookedFor.add(jobId);
      const isFound = (await readyMessages(broker, names.reply(jobId))) !== undefined;
      lookedFor.delete(jobId);
      if (!isFound) return ACK;
      await onFound(jobId);
    }
    await write(jobId);
    return ACK;
  }

  const consumer = await consume(broker, {
    queue: names.streamNotes.due,
    prefetch: 1,
    handle: look,
  });
  return { write, [Symbol.asyncDispose]: () => consumer[Symbol.asyncDispose]() };
}
