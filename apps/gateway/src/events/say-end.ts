import type { JobStore, UncommittedEnd } from "@rabbitloom/jobs";
import type { JobPublisher } from "../amqp/ports.ts";

export interface SayEndDependencies {
  readonly store: Pick<JobStore, "noteAnnounced">;
  readonly publisher: Pick<JobPublisher, "publishEvents">;
}

/**
 * Says the end of a job that no attempt has committed, also to the service that sent it, and notes that it is out. Said twice
 * it bears the same numbers, and readers drop the repetition.
 */
export async function sayEnd(
  { store, publisher }: SayEndDependencies,
  { jobId, attempt, gatewayId, state, error, reply }: UncommittedEnd,
): Promise<void> {
  const at = new Date().toISOString();
  const end = { v: 1, type: "job-end", jobId, attempt, seq: 1, at, state, error } as const;
  await publisher.publishEvents(gatewayId, [{ ...end, outputs: {} }], reply);
  await store.noteAnnounced(jobId, attempt);
}
