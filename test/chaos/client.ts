import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import type { JobPlan } from "./job-plan.ts";

export interface Answer {
  readonly answer: "accepted" | "refused" | "unknown";
  readonly status?: number;
  /** What a waiting client was told. */
  readonly answered?: string;
}

const outputsSchema = z.object({ "1": z.object({ text: z.array(z.string()) }) });
const resultSchema = z.union([outputsSchema, z.object({ outputs: outputsSchema })]);

/** Longer than the broker is away; a waiting client then comes back for the job, as it should. */
const PATIENCE_MS = 20_000;
/** Together more than a minute: longer than anything is broken. */
const TRIES = 150;

/**
 * Submits one job as a client does that chooses its own ids: while the answer leaves open whether it was taken, it asks
 * again, and a conflict then says that it was.
 */
export async function submitJob(url: () => string, job: JobPlan): Promise<Answer> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const { answer, ...facts } = await submitOnce(url(), job);
    if (answer === "accepted") return { answer, ...facts };
    // Only the first answer can say that the job is nowhere.
    if (answer === "refused") return { answer: tries === 1 ? "refused" : "unknown", ...facts };
    await delay(100 + 20 * tries);
  }
  return { answer: "unknown" };
}

async function submitOnce(url: string, job: JobPlan): Promise<Answer> {
  const { id, prompt, lane, watch, waits, clientId } = job;
  let status: number | undefined;
  try {
    const response = await fetch(`${url}/api/v1/prompts`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        connection: "close",
        ...(!waits && { prefer: "respond-async" }),
      },
      body: JSON.stringify({ prompt, prompt_id: id, client_id: clientId, lane, watch }),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    status = response.status;
    const body: unknown = await response.json();
    if (status === 202 || status === 409) return { answer: "accepted", status };
    if (status === 200) return { answer: "accepted", status, answered: textIn(body) };
    return { answer: status === 429 || status === 400 ? "refused" : "unknown", status };
  } catch {
    return { answer: "unknown", ...(status !== undefined && { status }) };
  }
}

function textIn(body: unknown): string {
  const read = resultSchema.safeParse(body);
  if (!read.success) return `(no text: ${JSON.stringify(body).slice(0, 100)})`;
  const outputs = "outputs" in read.data ? read.data.outputs : read.data;
  return outputs["1"].text.join("");
}

/** Asks for a cancellation until some gateway has answered. */
export async function cancelJob(
  urls: readonly string[],
  { id, cancelAfterMs = 0 }: JobPlan,
  signal: AbortSignal,
): Promise<void> {
  await delay(cancelAfterMs);
  for (let index = 0; !signal.aborted; index++) {
    const url = urls[index % urls.length];
    const answer = await fetch(`${url}/api/v1/jobs/${id}/cancel`, {
      method: "POST",
      headers: { connection: "close" },
      signal: AbortSignal.timeout(PATIENCE_MS),
    }).catch(() => undefined);
    if (answer !== undefined && answer.status < 500) return;
    await delay(200);
  }
}
