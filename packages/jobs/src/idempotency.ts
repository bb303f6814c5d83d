import * as z from "zod";
import {
  answerKeyScript,
  forgetKeyScript,
  keepHoldingScript,
  leaveKeyScript,
  stopHoldingScript,
  takeKeyScript,
} from "./scripts/idempotency.ts";
import type { StoreContext } from "./store-context.ts";

/** One request's key, as all gateways see it. */
export interface KeyRequest {
  /** Unique over surfaces and tenants: both are part of it. */
  readonly name: string;
  /** Digest of what was asked. */
  readonly fingerprint: string;
  /** The id for the job, should the key be new. */
  readonly jobId: string;
  readonly holder: string;
  /** Unique to this request: what is said of it later counts as long as nobody has taken the key anew, its holder neither. */
  readonly hold: string;
  readonly keepMs: number;
}
/** A key that a request has taken. */
export type HeldKey = Pick<KeyRequest, "name" | "holder" | "hold">;

export type KeyState =
  /** Taken by this call: nobody else sends this job. */
  | { readonly type: "new"; readonly jobId: string }
  /** Taken by this call from a holder who died; there may be a job, or there may be none. */
  | { readonly type: "resumed"; readonly jobId: string }
  /** Taken by this call; the job is on its way, and nobody has been told how it ended. */
  | { readonly type: "left"; readonly jobId: string }
  /** Its holder lives, and has not answered yet. */
  | { readonly type: "held"; readonly jobId: string }
  /** Its first request was answered so. */
  | { readonly type: "answered"; readonly jobId: string; readonly status: number }
  /** Another request had this key. */
  | { readonly type: "reused"; readonly jobId: string };

/**
 * Idempotency keys: each names one job at most. A key is held by the process that answers its first request; when
 * that one has answered, gone away or died, the job's id and the answer's status stay.
 */
export interface IdempotencyStore {
  takeKey(request: KeyRequest): Promise<KeyState>;
  answerKey(key: HeldKey, status: number): Promise<void>;
  leaveKey(key: HeldKey, isSent: boolean): Promise<void>;
  forgetKey(key: HeldKey): Promise<void>;
  /** To be said again before it is over: whoever falls silent holds nothing any more. */
  keepHolding(holder: string, aliveMs: number): Promise<void>;
  stopHolding(holder: string): Promise<void>;
}

export function idempotency({ run }: StoreContext): IdempotencyStore {
  return {
    async takeKey({ name, fingerprint, jobId, holder, hold, keepMs }) {
      return keyState(await run(takeKeyScript, name, fingerprint, jobId, holder, keepMs, hold));
    },
    async answerKey({ name, holder, hold }, status) {
      await run(answerKeyScript, name, holder, hold, status);
    },
    async leaveKey({ name, holder, hold }, isSent) {
      await run(leaveKeyScript, name, holder, hold, isSent ? "1" : "0");
    },
    async forgetKey({ name, holder, hold }) {
      await run(forgetKeyScript, name, holder, hold);
    },
    async keepHolding(holder, aliveMs) {
      await run(keepHoldingScript, holder, aliveMs);
    },
    async stopHolding(holder) {
      await run(stopHoldingScript, holder);
    },
  };
}

const answerSchema = z.union([
  z.tuple([z.enum(["new", "resumed", "left", "held", "reused"]), z.string()]),
  z.tuple([z.literal("answered"), z.string(), z.coerce.number()]),
]);

function keyState(answer: unknown): KeyState {
  const parsed = answerSchema.parse(answer);
  if (parsed[0] === "answered") {
    return { type: parsed[0], jobId: parsed[1], status: parsed[2] };
  }
  const [type, jobId] = parsed;
  return { type, jobId };
}
