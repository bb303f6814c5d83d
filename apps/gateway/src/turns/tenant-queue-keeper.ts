import type { TenantQueues } from "@rabbitloom/broker";
import type { IdleQueue, JobStore } from "@rabbitloom/jobs";
import { lanes, type TenantPlace } from "@rabbitloom/protocol";
import type { JobPublisher } from "../amqp/ports.ts";

/**
 * Keeps what the store knows of tenants' queues true, one gateway at a time:
 *
 *   the store has begun anew         the queues' names are read from the broker
 *   something waits in a queue       its tenant is among those who wait for a turn, and workers are woken
 *   a queue is missing               it is forgotten; the next job makes it again
 *   nothing came for long            the queue is deleted
 *   a queue does not answer          it is deleted once nothing of its tenant waits or runs any more
 */
export interface TenantQueueKeeper {
  sweep(): Promise<void>;
}

export interface TenantQueueKeeperOptions {
  readonly store: Pick<
    JobStore,
    | "lease"
    | "tenantQueues"
    | "setTurns"
    | "noteTenantQueue"
    | "closeTenantQueue"
    | "forgetTenantQueue"
  >;
  readonly queues: TenantQueues;
  readonly publisher: Pick<JobPublisher, "sendControl">;
  readonly gatewayId: string;
  readonly leaseMs: number;
  /** Jobs of one tenant that may run; 0 for any number. */
  readonly maxRunning: number;
  readonly idleMs: number;
  /** Tenants who send over AMQP: their queues are there before their first job, and stay. */
  readonly lasting: { readonly tenants: readonly string[]; readonly pools: readonly string[] };
}

export function tenantQueueKeeper(options: TenantQueueKeeperOptions): TenantQueueKeeper {
  const { store, queues, publisher, gatewayId, leaseMs, maxRunning, idleMs } = options;
  const { tenants, pools } = options.lasting;
  const lasting: readonly TenantPlace[] = tenants.flatMap((tenant) =>
    pools.flatMap((pool) => lanes.map((lane) => ({ pool, lane, tenant }))),
  );
  let isFirst = true;

  async function openLasting(): Promise<void> {
    for (const place of lasting) {
      if ((await queues.ready(place)) === undefined) await queues.open(place);
      await store.noteTenantQueue(place);
    }
  }

  async function readNames(): Promise<number> {
    const places = await queues.list();
    for (const place of places) await store.noteTenantQueue(place);
    return places.length;
  }

  /** True where something waits. */
  async function look({ idleMs: idleForMs, isClosing, ...place }: IdleQueue): Promise<boolean> {
    const ready = await queues.ready(place);
    if (ready === undefined) {
      await store.forgetTenantQueue(place);
    } else if (ready > 0) {
      await store.noteTenantQueue(place);
    } else if (!lasting.some((kept) => isSame(kept, place))) {
      if (isClosing) await close(place, 0);
      else if (idleForMs >= idleMs && !(await close(place, idleMs))) {
        await store.noteTenantQueue(place);
      }
    }
    return ready !== undefined && ready > 0;
  }

  /** False where jobs may go there again; a queue that was closed before stays so. */
  async function close(place: TenantPlace, whereIdleMs: number): Promise<boolean> {
    const tryToClose = () => store.closeTenantQueue(place, whereIdleMs);
    if (!(await tryToClose())) return true;
    // What came before it was closed is there by now, and nothing comes after, unless this process stood still meanwhile.
    const isRemoved = (await queues.ready(place)) === 0 && (await queues.remove(place, tryToClose));
    if (isRemoved) await store.forgetTenantQueue(place);
    return isRemoved;
  }

  return {
    async sweep() {
      if (!(await store.lease("tenant-queues", gatewayId, leaseMs))) return;
      if (isFirst) await openLasting();
      isFirst = false;
      const { isRead, queues: known } = await store.tenantQueues();
      await store.setTurns({ maxRunning, ...(!isRead && { readNames: await readNames() }) });
      let isWaiting = !isRead;
      for (const queue of known) if (await look(queue)) isWaiting = true;
      if (isWaiting) await publisher.sendControl({ v: 1, type: "worker-wake" });
    },
  };
}

function isSame(one: TenantPlace, other: TenantPlace): boolean {
  return one.pool === other.pool && one.lane === other.lane && one.tenant === other.tenant;
}
