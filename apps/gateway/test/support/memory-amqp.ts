import type { ClassCheckReply, ControlMessage, JobEvent, JsonEvent } from "@rabbitloom/protocol";
import type { Amqp, AmqpListeners, Letter, StreamedEvents, WireJob } from "../../src/amqp/ports.ts";

/** A broker in memory: notes what is published, and carries events back. */
export interface MemoryAmqp extends Amqp {
  readonly jobs: WireJob[];
  readonly controls: ControlMessage[];
  readonly events: { readonly word: string | undefined; readonly events: readonly JsonEvent[] }[];
  readonly bound: Set<string>;
  readonly streamed: Map<string, JobEvent[]>;
  readonly dead: Letter[];
  /** Thrown by `publishJob` when set. */
  jobError: Error | undefined;
  state: "connecting" | "ready" | "blocked" | "closed";
  /** Called with each job, once it is confirmed. */
  onJob: (job: WireJob) => void;
  /** Workers that were asked about nodes, in turn. */
  readonly asked: string[];
  /** Called with each such question. */
  onQuestion: (workerId: string, message: ControlMessage) => void;
  /** Delivers a worker's reply. */
  answer(reply: ClassCheckReply): void;
  /** Delivers events as if a worker had said them. */
  say(word: string, ...events: readonly JobEvent[]): void;
  loseConnection(): void;
}

export function memoryAmqp(listeners: AmqpListeners): MemoryAmqp {
  const amqp: MemoryAmqp = {
    jobs: [],
    controls: [],
    events: [],
    bound: new Set(),
    streamed: new Map(),
    dead: [],
    jobError: undefined,
    state: "ready",
    onJob: () => {},
    asked: [],
    onQuestion: () => {},
    answer: (reply) => listeners.onClassChecks(reply),
    say(word, ...events) {
      for (const event of events) amqp.streamed.get(event.jobId)?.push(event);
      listeners.onEvents(word, events);
    },
    loseConnection: () => listeners.onGap(),
    publisher: {
      async publishJob(job) {
        if (amqp.jobError !== undefined) throw amqp.jobError;
        amqp.jobs.push(job);
        queueMicrotask(() => amqp.onJob(job));
      },
      async publishEvents(word, events) {
        amqp.events.push({ word, events });
        amqp.say(word ?? "-", ...events);
      },
      async sendControl(message) {
        amqp.controls.push(message);
      },
      async sendToWorker(workerId, message) {
        amqp.asked.push(workerId);
        queueMicrotask(() => amqp.onQuestion(workerId, message));
      },
    },
    routes: {
      async bind(word) {
        amqp.bound.add(word);
      },
      async unbind(word) {
        amqp.bound.delete(word);
      },
    },
    streams: {
      async create(jobId) {
        if (!amqp.streamed.has(jobId)) amqp.streamed.set(jobId, []);
      },
      async delete(jobId) {
        amqp.streamed.delete(jobId);
      },
      async *read(jobId, signal): AsyncGenerator<StreamedEvents> {
        const held = amqp.streamed.get(jobId) ?? [];
        for (let offset = 0; !signal.aborted; offset++) {
          while (offset >= held.length && !signal.aborted) {
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
          const event = held[offset];
          if (event !== undefined) yield { offset, events: [event] };
        }
      },
    },
    lanes: { ready: async () => amqp.jobs.length },
    tenantQueues: {
      async open() {},
      list: async () => [],
      ready: async () => undefined,
      remove: async () => false,
    },
    letters: {
      list: async (most) => amqp.dead.slice(0, most),
      async take(isIt, use) {
        const found = amqp.dead.find(isIt);
        if (found === undefined) return false;
        await use(found);
        amqp.dead.splice(amqp.dead.indexOf(found), 1);
        return true;
      },
    },
    health: {
      get state() {
        return amqp.state;
      },
    },
    async [Symbol.asyncDispose]() {},
  };
  return amqp;
}
