import type { TenantQueues } from "@rabbitloom/broker";
import type { JobStore } from "@rabbitloom/jobs";
import { CodedError, isCodedError, type TenantPlace } from "@rabbitloom/protocol";
import type { BrokerHealth, JobPublisher, WireJob } from "../amqp/ports.ts";

export interface TurnPublisherOptions {
  readonly publisher: JobPublisher;
  readonly queues: Pick<TenantQueues, "open">;
  readonly store: Pick<JobStore, "noteTenantQueue" | "muteTenantQueue">;
  readonly health: BrokerHealth;
  readonly onError: (error: unknown) => void;
}

/**
 * The same publisher, which makes a tenant's own queue when the first job comes for it, and wakes idle workers: nobody
 * consumes these queues.
 */
export function turnPublisher(options: TurnPublisherOptions): JobPublisher {
  const { publisher, queues, store, health, onError } = options;

  /** Many of a tenant's first jobs come at once: its queue is made once. */
  const opening = new Map<string, Promise<void>>();

  function openQueue(place: TenantPlace): Promise<void> {
    const name = `${place.pool}.${place.lane}.${place.tenant}`;
    const opened = opening.get(name) ?? open(place).finally(() => opening.delete(name));
    opening.set(name, opened);
    return opened;
  }

  async function open(place: TenantPlace): Promise<void> {
    await queues.open(place).catch((cause: unknown) => {
      throw new CodedError("BROKER_UNAVAILABLE", "a tenant's queue could not be made", { cause });
    });
    await store.noteTenantQueue(place);
  }

  async function publishIn(place: TenantPlace, job: WireJob): Promise<void> {
    try {
      return await publisher.publishJob(job);
    } catch (error) {
      if (!isCodedError(error)) throw error;
      if (error.code === "NO_WORKER") {
        await openQueue(place);
        return publisher.publishJob(job);
      }
      // The broker is well, but this queue confirms nothing: the lane takes the job. If both have it, it runs once.
      if (error.code !== "BROKER_UNAVAILABLE" || health.state !== "ready") throw error;
      onError(error);
      await store.muteTenantQueue(place);
      return publisher.publishJob({ ...job, ownQueueOf: undefined });
    }
  }

  return {
    ...publisher,
    async publishJob(job) {
      const { ownQueueOf: tenant, lane, pool } = job;
      if (tenant === undefined) return publisher.publishJob(job);
      await publishIn({ lane, pool, tenant }, job);
      publisher.sendControl({ v: 1, type: "worker-wake" }).catch(onError);
    },
  };
}
