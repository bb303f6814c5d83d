import { lanes, type TenantPlace, tenantPlaceSchema } from "@rabbitloom/protocol";
import * as z from "zod";
import {
  closeTenantQueueScript,
  forgetTenantQueueScript,
  muteTenantQueueScript,
  noteTenantQueueScript,
  returnTurnScript,
  setTurnsScript,
  takeTurnScript,
  tenantQueuesScript,
} from "./scripts/turns.ts";
import type { StoreContext } from "./store-context.ts";

/** Whose turn it is, where tenants have queues of their own; and which queues those are. */
export interface TurnStore {
  /**
   * The tenant whose last turn is the longest ago, of those whose queues may hold something and who may have one more job
   * run. Undefined where there is none; "off" where no tenant has a queue of its own.
   */
  takeTurn(request: TurnRequest): Promise<GivenTurn | "off" | undefined>;
  /** It was not used. `emptyLanes`: those in which the tenant's queue held nothing. */
  returnTurn(turn: GivenTurn, emptyLanes: readonly string[]): Promise<void>;
  /** A tenant's queue is there, and may hold something. */
  noteTenantQueue(place: TenantPlace): Promise<void>;
  /** `isRead` is false where this store has begun anew, and does not know the queues that were made before. */
  tenantQueues(): Promise<{ readonly isRead: boolean; readonly queues: readonly IdleQueue[] }>;
  /**
   * What workers go by from now on: jobs of one tenant that may run, 0 for any number. `readNames`: so many queues' names
   * have been read from the broker and noted.
   */
  setTurns(settings: { readonly maxRunning: number; readonly readNames?: number }): Promise<void>;
  /** True where the queue has been idle for so long and nothing of the tenant waits or runs; then no job is sent to it. */
  closeTenantQueue(place: TenantPlace, idleMs: number): Promise<boolean>;
  forgetTenantQueue(place: TenantPlace): Promise<void>;
  /** The queue is there but does not answer: for a while jobs go to the lane instead, and nobody looks there. */
  muteTenantQueue(place: TenantPlace): Promise<void>;
}

export interface TurnRequest {
  readonly pool: string;
  /** Unique to the turn. */
  readonly token: string;
  /** Tenants who are not meant; "" for the lanes. */
  readonly passedOver: readonly string[];
}

export interface GivenTurn {
  readonly pool: string;
  readonly token: string;
  /** Empty: the turn is the lanes'. */
  readonly tenant: string;
  /** Where the tenant's queues may hold something, the most urgent first. */
  readonly lanes: readonly (typeof lanes)[number][];
  /** The tenant's turn before this one. */
  readonly before: string;
}

export interface IdleQueue extends TenantPlace {
  readonly idleMs: number;
  /** It does not answer, or is being deleted: jobs go to the lane. */
  readonly isClosing: boolean;
}

/** A worker that dies with a turn keeps a place of its tenant's quota for so long. */
const HOLD_MS = 15_000;
/** For deleting a queue: whoever does it has died after that. */
const CLOSING_MS = 15_000;
const MUTE_MS = 60_000;

export function turns({ run, aliveMs }: StoreContext): TurnStore {
  return {
    async takeTurn({ pool, token, passedOver }) {
      const answer = await run(takeTurnScript, pool, token, aliveMs, HOLD_MS, ...passedOver);
      const [type, tenant = "", before = "", ...named] = z.array(z.string()).parse(answer);
      if (type === "off") return "off";
      if (type === "none") return undefined;
      const waiting = tenant === "" ? lanes : lanes.filter((lane) => named.includes(lane));
      return { pool, token, tenant, before, lanes: waiting };
    },
    async returnTurn({ pool, tenant, token, before }, emptyLanes) {
      await run(returnTurnScript, pool, tenant, token, before, ...emptyLanes);
    },
    async noteTenantQueue({ pool, lane, tenant }) {
      await run(noteTenantQueueScript, pool, lane, tenant);
    },
    async tenantQueues() {
      const [isRead, ...parts] = z.array(z.string()).parse(await run(tenantQueuesScript));
      const queues: IdleQueue[] = [];
      for (let index = 0; index + 2 < parts.length; index += 3) {
        const [pool, lane, tenant] = parts[index]?.split(":") ?? [];
        const place = tenantPlaceSchema.parse({ pool, lane, tenant });
        const isClosing = parts[index + 2] === "1";
        queues.push({ ...place, idleMs: Number(parts[index + 1]), isClosing });
      }
      return { isRead: isRead === "1", queues };
    },
    async setTurns({ maxRunning, readNames = "" }) {
      await run(setTurnsScript, maxRunning, readNames);
    },
    async closeTenantQueue({ pool, lane, tenant }, idleMs) {
      return (await run(closeTenantQueueScript, pool, lane, tenant, idleMs, CLOSING_MS)) === 1;
    },
    async muteTenantQueue({ pool, lane, tenant }) {
      await run(muteTenantQueueScript, pool, lane, tenant, MUTE_MS);
    },
    async forgetTenantQueue({ pool, lane, tenant }) {
      await run(forgetTenantQueueScript, pool, lane, tenant);
    },
  };
}
