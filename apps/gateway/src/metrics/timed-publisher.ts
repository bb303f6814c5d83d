import type { JobPublisher } from "../amqp/ports.ts";
import type { Metrics } from "./metrics.ts";

/** The same publisher, with each confirm timed. */
export function timedPublisher(publisher: JobPublisher, metrics: Metrics): JobPublisher {
  async function timed(kind: "job" | "events" | "control", work: Promise<void>): Promise<void> {
    const startedAt = performance.now();
    await work;
    metrics.confirmed(kind, (performance.now() - startedAt) / 1000);
  }
  return {
    publishJob: (job) => timed("job", publisher.publishJob(job)),
    publishEvents: (word, events, reply) =>
      timed("events", publisher.publishEvents(word, events, reply)),
    sendControl: (message) => timed("control", publisher.sendControl(message)),
    sendToWorker: (workerId, message) =>
      timed("control", publisher.sendToWorker(workerId, message)),
  };
}
