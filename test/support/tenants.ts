import { setTimeout as delay } from "node:timers/promises";
import type { Prompt } from "@rabbitloom/protocol";
import type { TestFleet } from "./fleet.ts";

/** Variables of a gateway whose tenants take turns. */
export const takingTurns = { AUTH: "required", FAIR_TURNS: "1", RATE_LIMIT_PER_MINUTE: "100000" };

const MOST_TRIES = 10;
const RETRY_MS = 1_000;

export interface TenantClient {
  /** Sends a job; resolves when it is accepted. */
  submit(jobId: string, prompt: Prompt): Promise<void>;
  cancel(jobId: string): Promise<void>;
}

/** Somebody of a tenant, at one gateway, with a key. */
export async function tenantClient(
  { store }: TestFleet,
  { tenant, url }: { readonly tenant: string; readonly url: string },
): Promise<TenantClient> {
  const { secret } = await store.keys.create({ tenant, scopes: ["submit", "read-own"] });
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  const send = (path: string, body: object) =>
    fetch(`${url}${path}`, {
      method: "POST",
      headers: { ...headers, prefer: "respond-async" },
      body: JSON.stringify(body),
    });
  const post = async (path: string, body: object) => {
    let answer = await send(path, body);
    // A broker on a busy machine may take longer to confirm than a gateway waits.
    for (let tries = 1; answer.status === 503 && tries < MOST_TRIES; tries++) {
      await delay(RETRY_MS);
      answer = await send(path, body);
    }
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  };
  return {
    submit: (jobId, prompt) => post("/api/v1/prompts", { prompt, prompt_id: jobId }),
    cancel: (jobId) => post(`/api/v1/jobs/${jobId}/cancel`, {}),
  };
}

/** Jobs in the order in which they began to run. */
export function startedOrder({ jobs }: TestFleet, jobIds: readonly string[]): string[] {
  const startOf = (jobId: string) => {
    const start = jobs.events(jobId).find(({ type }) => type === "job-start");
    return start === undefined ? Number.POSITIVE_INFINITY : Date.parse(start.at);
  };
  return jobIds.toSorted((one, other) => startOf(one) - startOf(other));
}

/** So that gateways know its nodes; what is sent from now on waits for another worker. */
export async function workerThatLeft(fleet: TestFleet): Promise<void> {
  const worker = await fleet.startWorker();
  await worker.drain();
}

export function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${name}-${index}`);
}
