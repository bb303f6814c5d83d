import type { JobStore, UncommittedEnd } from "@rabbitloom/jobs";
import type { JobPublisher } from "../amqp/ports.ts";

export interface SayEndDependencies {
  readonly store: Pick<JobStore, "noteAnnounced">;
  readonly publisher: Pick<JobPublisher, "publishEvents">;
}

/**
 * Says the end of a job that no attempt has committed, and notes that it is out. Said twice it bears the same numbers, and
 * readers drop the repetition.
 */
export async function sayEnd(
  { store, publisher }: SayEndDependencies,
  { jobId, attempt, gatewayId, state, error }: UncommittedEnd,
): Promise<void> {
  const at = new Date().toISOString();
  await publisher.publishEvents(gatewayId, [
    { v: 1, type: "job-end", jobId, attempt, seq: 1, at, state, outputs: {}, error },
  ]);
  await store.noteAnnounced(jobId, attempt);
}
