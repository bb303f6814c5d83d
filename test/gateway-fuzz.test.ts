/**
 * The requests of the fuzz test in apps/gateway/test/openapi, against a gateway as it is in production: with the real
 * Redis, the real broker and a worker behind it.
 */
import { request } from "node:http";
import { expect, inject, test } from "vitest";
import * as z from "zod";
import {
  fuzz,
  fuzzedOperations,
  type OddRequest,
} from "../apps/gateway/test/support/fuzzed-operations.ts";
import { savePrompt } from "../apps/gateway/test/support/instant-worker.ts";
import { openService } from "./support/service.ts";

/** Printed in the title: put a failure's here to see the same requests again. */
const seed = inject("fuzzSeed");
const RUNS = 3;
/** An answer that takes longer counts as none; most take a few milliseconds. */
const PATIENCE_MS = 30_000;

test(`every operation of a whole service takes whatever comes (seed ${seed})`, async () => {
  await using service = await openService({ gateway: { MAX_PROMPT_BYTES: "100000" } });
  const known = { prompt: savePrompt, prompt_id: "known" };
  const made = await fetch(`${service.url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(known),
  });
  expect(made.status).toBe(200);
  const document: unknown = await (await fetch(`${service.url}/openapi.json`)).json();
  const operations = fuzzedOperations(document);
  expect(operations.length).toBeGreaterThan(50);

  for (const operation of operations) {
    await fuzz(operation, {
      seed,
      runs: RUNS,
      async ask(odd) {
        const { status, body } = await send(service.url, odd);
        const what = `${operation.name}: ${status} ${body}`;
        expect(status < 500 || isFailedRun(body), what).toBe(true);
      },
    });
  }
  // Whatever came, the fleet still works.
  const after = await fetch(`${service.url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "image/png" },
    body: JSON.stringify({ prompt: savePrompt }),
  });
  expect([after.status, after.headers.get("content-type")]).toEqual([200, "image/png"]);
}, 240_000);

/** 500 with the status of a run is what a waiting client is told of a job that failed. */
function isFailedRun(body: string): boolean {
  const shape = z.looseObject({ status_str: z.literal("error"), prompt_id: z.string() });
  try {
    return shape.safeParse(JSON.parse(body)).success;
  } catch {
    return false;
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** By hand: `fetch` would tidy the address and refuse some headers. Of an event stream the head is enough. */
function send(base: string, { method, url, headers, payload }: OddRequest): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(base);
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const asked = request({ hostname, port, method, path: url, headers, agent: false, signal });
    asked.on("response", (answer) => {
      const status = answer.statusCode ?? 0;
      if (answer.headers["content-type"]?.startsWith("text/event-stream")) {
        answer.destroy();
        resolve({ status, body: "" });
        return;
      }
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => resolve({ status, body: Buffer.concat(chunks).toString() }));
      answer.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(payload);
  });
}
