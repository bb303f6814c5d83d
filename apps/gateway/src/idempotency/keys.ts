import { randomUUID } from "node:crypto";
import type { IdempotencyStore, KeyState } from "@rabbitloom/jobs";
import { type ErrorCode, isCodedError, type JobView } from "@rabbitloom/protocol";

/** A request that came with a key. What its states mean to the client is the surface's own business. */
export interface KeyedRequest {
  readonly surface: string;
  readonly tenant: string;
  readonly key: string;
  readonly fingerprint: string;
  /** The id for the job, should the key be new. */
  readonly jobId: string;
}

/** A key that this request holds: exactly one of the three ends it. None of them throws. */
export interface KeyHold {
  readonly jobId: string;
  /** Whether an earlier request had it: see KeyState. */
  readonly found: "new" | "resumed" | "left";
  /** The client was told this status, and so is whoever asks again. */
  answered(status: number): Promise<void>;
  /** The client is gone, or there may be a job; whoever asks again may wait for it, which has been published if `isSent`. */
  left(isSent: boolean): Promise<void>;
  /** There is no job after all: the key may be used again, for anything. */
  forgotten(): Promise<void>;
}

/** Its gateway died with it, or could not withdraw it: the record is there, the message perhaps not. */
export function mayBeUnsent(
  { state, attempt }: Pick<JobView, "state" | "attempt">,
  { found }: Pick<KeyHold, "found">,
): boolean {
  return found === "resumed" && state === "pending" && attempt === 0;
}

/**
 * Whether there may be or have been a job although its submission failed: its record may be there, or was. Of a key that an
 * earlier request had, it may be that one's record which is in the way.
 */
export function mayHaveLeftJob(error: unknown, { found }: Pick<KeyHold, "found">): boolean {
  if (!isCodedError(error)) return false;
  return MAY_HAVE_LEFT_JOB.includes(error.code) || (found !== "new" && error.code === "CONFLICT");
}
const MAY_HAVE_LEFT_JOB: readonly ErrorCode[] = ["STORE_UNAVAILABLE", "JOB_EXPIRED"];

export type KeyClaim =
  | { readonly type: "hold"; readonly hold: KeyHold }
  | Exclude<KeyState, { readonly type: KeyHold["found"] }>;

export interface IdempotencyKeys extends AsyncDisposable {
  claim(request: KeyedRequest): Promise<KeyClaim>;
}

export interface IdempotencyKeysOptions {
  readonly store: IdempotencyStore;
  readonly gatewayId: string;
  readonly keepMs: number;
  readonly onError: (error: unknown) => void;
}

/** A gateway that has been silent for so long is taken for dead, and others may resume what it held. */
const ALIVE_MS = 10_000;
const BEAT_MS = 3_000;

/** Keys of all surfaces, shared by all gateways. */
export function idempotencyKeys(options: IdempotencyKeysOptions): IdempotencyKeys {
  const { store, gatewayId, keepMs, onError } = options;
  // A gateway that comes back under its name does not hold what it held before.
  const holder = `${gatewayId}.${randomUUID()}`;
  /** What Redis has not been told yet, because it was away. */
  const unsaid = new Set<() => Promise<void>>();
  let beatAt = 0;

  async function beat(): Promise<void> {
    await store.keepHolding(holder, ALIVE_MS);
    beatAt = Date.now();
    for (const word of [...unsaid]) {
      await word();
      unsaid.delete(word);
    }
  }
  async function say(word: () => Promise<void>): Promise<void> {
    await word().catch((error: unknown) => {
      unsaid.add(word);
      onError(error);
    });
  }
  const timer = setInterval(() => {
    if (beatAt > 0) beat().catch(onError);
  }, BEAT_MS);
  timer.unref();

  return {
    async claim({ surface, tenant, key, fingerprint, jobId }) {
      if (Date.now() - beatAt > BEAT_MS) await beat();
      const held = { name: `${surface}:${tenant}:${key}`, holder, hold: randomUUID() };
      const taking = store.takeKey({ ...held, fingerprint, jobId, keepMs });
      const state = await taking.catch(async (error: unknown) => {
        // Taken all the same, perhaps: it would be held for as long as this process lives.
        await say(() => store.leaveKey(held, false));
        throw error;
      });
      if (!isTaken(state)) return state;
      const hold: KeyHold = {
        jobId: state.jobId,
        found: state.type,
        answered: (status) => say(() => store.answerKey(held, status)),
        left: (isSent) => say(() => store.leaveKey(held, isSent)),
        forgotten: () => say(() => store.forgetKey(held)),
      };
      return { type: "hold", hold };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      if (beatAt > 0) await store.stopHolding(holder).catch(onError);
    },
  };
}

type Taken = Extract<KeyState, { readonly type: KeyHold["found"] }>;

function isTaken(state: KeyState): state is Taken {
  return state.type === "new" || state.type === "resumed" || state.type === "left";
}
