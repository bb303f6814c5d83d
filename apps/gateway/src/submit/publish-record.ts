import type { JobRecord, JobStore } from "@rabbitloom/jobs";
import type { JobMessage } from "@rabbitloom/protocol";
import type { JobPublisher, WireJob } from "../amqp/ports.ts";
import { jobBody } from "./job-body.ts";

export interface PublishRecordDependencies {
  readonly store: Pick<JobStore, "requeue">;
  readonly publisher: Pick<JobPublisher, "publishJob">;
  /** Tenants have queues of their own. */
  readonly hasOwnQueues: boolean;
}

/**
 * Publishes a job whose message may be missing, as its record has it: a job that is published twice runs once. Throws what
 * `jobBody` and the publisher throw; the record stays.
 */
export async function publishRecord(
  { store, publisher, hasOwnQueues }: PublishRecordDependencies,
  record: JobRecord,
): Promise<void> {
  await store.requeue(record.id);
  await publisher.publishJob({
    ...wireJob(record),
    ...(hasOwnQueues && { ownQueueOf: record.tenant }),
  });
}

function wireJob(record: JobRecord): WireJob {
  const {
    id: jobId,
    lane,
    pool,
    prompt,
    extraData,
    targets,
    clientId,
    gatewayId,
    limits,
    reply,
  } = record;
  const { submittedAt, tenant, tags, submission } = record;
  const message: JobMessage = {
    v: 1,
    jobId,
    tenant,
    prompt,
    extraData,
    targets,
    clientId,
    gatewayId,
    lane,
    pool,
    tags,
    submittedAt,
    submission,
    limits,
  };
  return {
    jobId,
    lane,
    pool,
    body: jobBody(message),
    replyTo: reply?.to,
    correlationId: reply?.correlationId,
  };
}
