/**
 * The engine's own process: opens an engine as its parent says, answers requests, and ends when the parent
 * says so or is gone. Started by `child-engine.ts`, never by hand.
 */
import { rmSync, writeFileSync } from "node:fs";
import { parseJson } from "@rabbitloom/workflow";
import type { RunOutcome } from "../execute/outcome.ts";
import type { NameRequest } from "../nodes/context.ts";
import type { Engine } from "./engine.ts";
import { createEventBatch } from "./event-batch.ts";
import { openInlineEngine } from "./inline-engine.ts";
import type { Answer, ToChild, ToParent } from "./messages.ts";
import { letPacksFindEngine } from "./pack-resolution.ts";
import { receiveError, sendError } from "./sent-error.ts";

let engine: Engine | undefined;
let ownTemp: string | null = null;
const cancels = new Map<number, AbortController>();
const allocations = new Map<number, { resolve(first: number): void; reject(cause: Error): void }>();
let allocationCount = 0;

process.on("message", (message: ToChild) => void receive(message));
process.on("disconnect", () => {
  if (ownTemp !== null) rmSync(ownTemp, { recursive: true, force: true });
  process.exit();
});
// These reach the whole group. The parent decides what becomes of its jobs, and this process goes when it goes.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});

async function receive(message: ToChild): Promise<void> {
  switch (message.type) {
    case "open":
      ownTemp = message.ownTemp;
      return open(message.options);
    case "run":
      return run(message);
    case "validate": {
      const { promptJson: prompt, targets } = message;
      return answer(message.call, async (opened) => ({
        kind: "validation",
        validation: await opened.validate({ prompt, targets }),
      }));
    }
    case "answer-checks":
      return answer(message.call, async (opened) => ({
        kind: "checks",
        answers: await opened.answerChecks(message.checksJson, message.folders ?? undefined),
      }));
    case "catalog":
      return answer(message.call, async (opened) => ({
        kind: "catalog",
        catalog: await opened.catalog(),
      }));
    case "free":
      return answer(message.call, async (opened) => {
        await opened.free(message.options);
        // What closed models leave to the collector is some 100 MB, and it would come when it pleases.
        globalThis.gc?.();
        return { kind: "freed" };
      });
    case "cancel":
      return cancels.get(message.call)?.abort(receiveError(message.reason));
    case "names": {
      const allocation = allocations.get(message.request);
      allocations.delete(message.request);
      if (typeof message.first === "number") allocation?.resolve(message.first);
      else allocation?.reject(receiveError(message.first));
      return;
    }
    case "close":
      await engine?.[Symbol.asyncDispose]();
      process.exit();
  }
}

async function open(options: Parameters<typeof openInlineEngine>[0]): Promise<void> {
  goFirst();
  try {
    letPacksFindEngine();
    engine = await openInlineEngine(options);
    send({ type: "open" });
  } catch (cause) {
    send({ type: "open-failed", error: sendError(cause) });
  }
}

/**
 * Where the machine's memory runs out, it is this process that goes: what a job asks for is here, and what goes with any other
 * are all jobs. Linux alone can be told so.
 */
function goFirst(): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", "1000");
  } catch {
    // Another system, or one that does not let itself be told.
  }
}

async function answer(call: number, work: (opened: Engine) => Promise<Answer>): Promise<void> {
  try {
    if (engine === undefined) throw new Error("the engine is not open");
    send({ type: "answer", call, events: [], answer: await work(engine) });
  } catch (cause) {
    send({ type: "failure", call, events: [], error: sendError(cause) });
  }
}

/** The last events travel with the answer: one message and one wake-up less. */
async function run({ call, job }: Extract<ToChild, { type: "run" }>): Promise<void> {
  const stop = new AbortController();
  cancels.set(call, stop);
  const batch = createEventBatch((events) => send({ type: "events", call, events }));
  try {
    if (engine === undefined) throw new Error("the engine is not open");
    const { cause, ...outcome } = await engine.run({
      jobId: job.jobId,
      prompt: job.promptJson,
      extraData: readExtraData(job.extraDataJson),
      targets: job.targets,
      signal: stop.signal,
      onEvent: batch.add,
      ...(job.folders && { folders: job.folders }),
      ...(job.allocatesNames ? { allocateNames: (names) => allocate(call, names) } : {}),
    });
    send({ type: "answer", call, events: batch.take(), answer: withCause(outcome, cause) });
  } catch (cause) {
    send({ type: "failure", call, events: batch.take(), error: sendError(cause) });
  } finally {
    cancels.delete(call);
  }
}

function withCause(outcome: RunOutcome, cause: unknown): Answer {
  if (cause === undefined) return { kind: "outcome", outcome };
  return { kind: "outcome", outcome, cause: sendError(cause) };
}

function readExtraData(json: string): Record<string, unknown> {
  const data = parseJson(json);
  return typeof data === "object" && data !== null ? { ...data } : {};
}

function allocate(call: number, names: NameRequest): Promise<number> {
  allocationCount += 1;
  const request = allocationCount;
  return new Promise((resolve, reject) => {
    allocations.set(request, { resolve, reject });
    send({ type: "allocate", call, request, names });
  });
}

function send(message: ToParent): void {
  // Without a parent there is nobody to tell; `disconnect` ends this process.
  if (process.connected) process.send?.(message);
}
