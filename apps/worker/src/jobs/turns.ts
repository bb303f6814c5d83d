import { randomUUID } from "node:crypto";
import type { Turn, Turns } from "@rabbitloom/broker";
import type { GivenTurn, JobStore } from "@rabbitloom/jobs";
import type { Lane, Topology } from "@rabbitloom/protocol";
import type { Logger } from "pino";

/** The turns of one pool, as the store gives them out. */
export interface WorkerTurns extends Turns, Disposable {
  /** Jobs may have come: idle slots look. */
  wake(): void;
}

export interface WorkerTurnsOptions {
  readonly store: Pick<JobStore, "takeTurn" | "returnTurn" | "muteTenantQueue">;
  readonly names: Topology;
  readonly pool: string;
  readonly log: Logger;
}

/**
 * A quota has room again, or the broker has taken a message back from a worker that died: nobody says so, and an idle slot
 * sees it this much later at most.
 */
const LOOK_EVERY_MS = 1_000;

export function workerTurns({ store, names, pool, log }: WorkerTurnsOptions): WorkerTurns {
  const listeners = new Set<() => void>();
  let isOn = false;
  const wake = () => {
    for (const listener of listeners) listener();
  };
  const timer = setInterval(() => {
    if (isOn) wake();
  }, LOOK_EVERY_MS);

  function turn(given: GivenTurn): Turn {
    const { tenant, token, before, lanes } = given;
    const own = tenant === "" ? undefined : tenant;
    const queueOf = (lane: Lane) => names.jobs.queue(lane, pool, own);
    return {
      tenant,
      token,
      before,
      queues: lanes.map(queueOf),
      async giveBack(isEmpty) {
        await store.returnTurn(given, isEmpty ? lanes : []).catch((err: unknown) => {
          log.warn({ err, tenant }, "a turn could not be given back: it lapses");
        });
      },
      async tellMute(queue) {
        log.error({ tenant, queue }, "a queue does not answer");
        await this.giveBack(false);
        const lane = lanes.find((each) => queueOf(each) === queue);
        if (lane === undefined || own === undefined) return;
        await store.muteTenantQueue({ pool, lane, tenant: own }).catch((err: unknown) => {
          log.warn({ err, queue }, "could not say so");
        });
      },
    };
  }

  return {
    async take(passedOver) {
      const given = await store.takeTurn({ pool, token: randomUUID(), passedOver });
      isOn = given !== "off";
      return given === "off" || given === undefined ? given : turn(given);
    },
    onWake(listener) {
      listeners.add(listener);
      return { [Symbol.dispose]: () => void listeners.delete(listener) };
    },
    wake,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
