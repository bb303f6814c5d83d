import type { HeldKey, IdempotencyStore } from "@rabbitloom/jobs";

interface Key {
  readonly fingerprint: string;
  readonly jobId: string;
  holder: string | undefined;
  hold: string;
  status: number | undefined;
  isSent: boolean;
}

/** Idempotency keys in memory; a holder lives until it stops. */
export function memoryKeys(): IdempotencyStore {
  const keys = new Map<string, Key>();
  const alive = new Set<string>();
  const held = ({ name, holder, hold }: HeldKey) => {
    const key = keys.get(name);
    return key?.holder === holder && key.hold === hold ? key : undefined;
  };
  return {
    async takeKey({ name, fingerprint, jobId, holder, hold }) {
      const key = keys.get(name);
      if (key === undefined) {
        keys.set(name, { fingerprint, jobId, holder, hold, status: undefined, isSent: false });
        return { type: "new", jobId };
      }
      if (key.fingerprint !== fingerprint) return { type: "reused", jobId: key.jobId };
      if (key.status !== undefined) {
        return { type: "answered", jobId: key.jobId, status: key.status };
      }
      if (key.holder !== undefined && alive.has(key.holder)) {
        return { type: "held", jobId: key.jobId };
      }
      Object.assign(key, { holder, hold });
      return { type: key.isSent ? "left" : "resumed", jobId: key.jobId };
    },
    async answerKey(taken, status) {
      const key = held(taken);
      if (key !== undefined) Object.assign(key, { status, holder: undefined });
    },
    async leaveKey(taken, isSent) {
      const key = held(taken);
      if (key !== undefined)
        Object.assign(key, { isSent: key.isSent || isSent, holder: undefined });
    },
    async forgetKey(taken) {
      if (held(taken) !== undefined) keys.delete(taken.name);
    },
    async keepHolding(holder) {
      alive.add(holder);
    },
    async stopHolding(holder) {
      alive.delete(holder);
    },
  };
}
