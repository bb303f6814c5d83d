import { randomUUID } from "node:crypto";
import { type JobStore, openJobStore } from "@rabbitloom/jobs";
import { type JobMessage, jobMessageSchema } from "@rabbitloom/protocol";
import { openRedis } from "./redis.ts";

/** A job store that no other test sees. */
export interface TestStore extends AsyncDisposable {
  readonly store: JobStore;
  /** The same store, as another process opens it. */
  readonly other: JobStore;
  /** Of all its keys. */
  readonly prefix: string;
}

export async function openStore(
  options: Partial<Parameters<typeof openJobStore>[0]> = {},
): Promise<TestStore> {
  const redis = await openRedis();
  const open = () =>
    openJobStore({
      url: redis.redisUrl,
      prefix: redis.prefix,
      // Most tests claim on behalf of workers that are gone.
      attemptTtlSeconds: 0,
      ...options,
    });
  const [store, other] = [await open(), await open()];
  return {
    store,
    other,
    prefix: redis.prefix,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await other[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
}

/** A job message with an id. */
export function job(given: Partial<JobMessage> = {}): JobMessage & { readonly jobId: string } {
  const jobId = given.jobId ?? randomUUID();
  const prompt = { "1": { class_type: "A", inputs: {} } };
  return { ...jobMessageSchema.parse({ prompt }), ...given, jobId };
}

export const outcome = {
  state: "succeeded",
  outputs: { "1": { text: ["x"] } },
  lastSeq: 9,
} as const;

/** Submits a job and answers its id. */
export async function submitted(store: JobStore, given: Partial<JobMessage> = {}): Promise<string> {
  const message = job(given);
  await store.submit({ message });
  return message.jobId;
}

/** Withdraws a job whose message may have come through; answers whether it is gone. */
export function withdrawn(store: JobStore, jobId: string): Promise<boolean> {
  return store.withdraw(job({ jobId }), { mayArrive: true });
}

/** Claims a job and answers the attempt. */
export async function claimed(store: JobStore, jobId: string, workerId = "w"): Promise<number> {
  const claim = await store.claim({ message: job({ jobId }), workerId });
  if (claim.type !== "claimed") throw new Error(`not claimed: ${claim.type}`);
  return claim.attempt;
}
