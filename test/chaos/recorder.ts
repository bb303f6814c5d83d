import { ACK, consume, readReplyStream } from "@rabbitloom/broker";
import { decodeEvents, type JobEvent, type Outputs } from "@rabbitloom/protocol";
import type { ChaosFleet } from "./fleet.ts";
import type { SaidEvent } from "./history.ts";

/** Notes every event that the fleet publishes, over restarts of the broker. */
export interface Recorder extends AsyncDisposable {
  eventsOf(jobId: string): readonly SaidEvent[];
  hasEnded(jobId: string): boolean;
  /** When the end was first heard of, by `performance.now()`. */
  endedAt(jobId: string): number | undefined;
  /** Everything published so far has been noted. */
  isDrained(): Promise<boolean>;
}

/** A quorum queue keeps what it has on disk, whatever the publisher asked for. */
export async function openRecorder({ connection, names }: ChaosFleet): Promise<Recorder> {
  const queue = `${names.dead.queue}.recorder`;
  const byJob = new Map<string, SaidEvent[]>();
  const ended = new Map<string, number>();
  const consumer = await consume(connection, {
    queue,
    prefetch: 200,
    setup: async (channel) => {
      await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
      await channel.bindQueue(queue, names.events.exchange, "#");
    },
    async handle({ body, ...facts }) {
      for (const event of read({ body, ...facts })) {
        const events = byJob.get(event.jobId) ?? [];
        events.push(said(event));
        byJob.set(event.jobId, events);
        if (event.type === "job-end" && !ended.has(event.jobId)) {
          ended.set(event.jobId, performance.now());
        }
      }
      return ACK;
    },
  });
  return {
    eventsOf: (jobId) => byJob.get(jobId) ?? [],
    hasEnded: (jobId) => ended.has(jobId),
    endedAt: (jobId) => ended.get(jobId),
    async isDrained() {
      return await connection.withChannel(async (channel) => {
        const { messageCount } = await channel.checkQueue(queue);
        return messageCount === 0;
      });
    },
    async [Symbol.asyncDispose]() {
      await consumer[Symbol.asyncDispose]();
      await connection.withChannel((channel) => channel.deleteQueue(queue));
    },
  };
}

/** A watched job's stream from its first message to the job's end, or as far as it came within the time. */
export async function readStream(
  { connection, names }: ChaosFleet,
  jobId: string,
  signal: AbortSignal,
): Promise<SaidEvent[]> {
  const events: SaidEvent[] = [];
  for await (const message of readReplyStream(connection, names, { jobId, signal })) {
    for (const event of read(message)) {
      events.push(said(event));
      if (event.type === "job-end") return events;
    }
  }
  return events;
}

function read({ body, ...facts }: Readable): JobEvent[] {
  return decodeEvents({ ...facts, text: () => body.toString("utf8"), bytes: () => body });
}

interface Readable {
  readonly body: Buffer;
  readonly contentType: string | undefined;
  readonly type: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

function said(event: JobEvent): SaidEvent {
  const { attempt, seq, type } = event;
  if (event.type !== "job-end") return { attempt, seq, type };
  const text = textOf(event.outputs);
  return { attempt, seq, type, state: event.state, ...(text !== undefined && { said: text }) };
}

/** What the job's text node showed. */
export function textOf(outputs: Outputs | undefined): string | undefined {
  const text = outputs?.["1"]?.text;
  return Array.isArray(text) ? text.join("") : undefined;
}

/** Names of the files that the job's outputs name. */
export function filesOf(outputs: Outputs | undefined): string[] {
  const images = outputs?.["3"]?.images;
  if (!Array.isArray(images)) return [];
  return images.flatMap((image: unknown) =>
    typeof image === "object" && image !== null && "filename" in image
      ? [String(image.filename)]
      : [],
  );
}
