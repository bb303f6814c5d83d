import { rm } from "node:fs/promises";
import type { EngineEvent } from "@rabbitloom/protocol";
import { CodedError } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import { cancelReport, type RunOutcome } from "../execute/outcome.ts";
import type { Folders } from "../files/folders.ts";
import type { NameAllocator, NameRequest } from "../nodes/context.ts";
import { type EngineProcess, type ProcessEnd, startEngineProcess } from "./child-process.ts";
import type { Engine, EngineJob, EngineOptions } from "./engine.ts";
import type { Answer, ToParent } from "./messages.ts";
import { receiveError, sendError } from "./sent-error.ts";

const DEFAULT_KILL_AFTER_MS = 10_000;
/** A process that is told to close and has nothing to do is gone in some 10 ms. */
const CLOSE_MS = 3000;

/** A request that has not been answered. */
interface Call {
  readonly process: EngineProcess;
  readonly job: EngineJob | undefined;
  answer(answer: Answer): void;
  fail(cause: unknown): void;
  /** The node that started last: where a crash most likely happened. */
  lastStarted: Extract<EngineEvent, { type: "node-start" }> | undefined;
}

/**
 * An engine in a process of its own. The process is started when it is first needed, and again after it
 * has died or was killed; it lives on between jobs, with its caches and models.
 */
export async function openChildEngine(options: EngineOptions, folders: Folders): Promise<Engine> {
  const killAfterMs = options.killAfterMs ?? DEFAULT_KILL_AFTER_MS;
  const calls = new Map<number, Call>();
  let callCount = 0;
  let current: { readonly process: EngineProcess; readonly opened: Promise<void> } | undefined;
  let isClosed = false;

  function start(): NonNullable<typeof current> {
    let settleOpen: (message: ToParent) => void = () => {};
    const started = startEngineProcess((message) => {
      if (message.type === "open" || message.type === "open-failed") settleOpen(message);
      else receive(message);
    });
    const opened = new Promise<void>((resolve, reject) => {
      settleOpen = (message) => {
        if (message.type === "open-failed") reject(receiveError(message.error));
        else resolve();
      };
      void started.ended.then((end) => reject(crashed(end)));
    });
    opened.catch(() => {});
    started.send({
      type: "open",
      options: { ...options, ...folders },
      ownTemp: options.temp === undefined ? folders.temp : null,
    });
    void started.ended.then((end) => buryProcess(started, end));
    return { process: started, opened };
  }

  /** Every request of the process ends with it. */
  function buryProcess(dead: EngineProcess, end: ProcessEnd): void {
    if (current?.process === dead) current = undefined;
    for (const [number, call] of calls) {
      if (call.process !== dead) continue;
      calls.delete(number);
      const error = crashed(end, call.lastStarted);
      if (call.job === undefined) call.fail(error);
      else call.answer({ kind: "outcome", outcome: crashReport(error, call) });
    }
  }

  async function ready(): Promise<EngineProcess> {
    if (isClosed) throw new CodedError("CONFLICT", "the engine is closed");
    if (current?.process.isUp === false) current = undefined;
    current ??= start();
    const { process, opened } = current;
    process.hold(true);
    try {
      await opened;
    } finally {
      process.hold(calls.size > 0);
    }
    return process;
  }

  function receive(message: Exclude<ToParent, { type: "open" | "open-failed" }>): void {
    const call = calls.get(message.call);
    if (call === undefined) return;
    switch (message.type) {
      case "events":
        hear(call, message.events);
        return;
      case "allocate":
        void allocate(call.job?.allocateNames, message.names).then((first) =>
          call.process.send({ type: "names", request: message.request, first }),
        );
        return;
      case "answer":
      case "failure":
        hear(call, message.events);
        calls.delete(message.call);
        call.process.hold(calls.size > 0);
        if (message.type === "answer") call.answer(message.answer);
        else call.fail(receiveError(message.error));
    }
  }

  function hear(call: Call, events: readonly EngineEvent[]): void {
    for (const event of events) {
      if (event.type === "node-start") call.lastStarted = event;
      call.job?.onEvent?.(event);
    }
  }

  /** Sends a request; the answer comes by its number. */
  function ask(
    process: EngineProcess,
    send: (call: number) => void,
    job?: EngineJob,
  ): { readonly number: number; readonly answered: Promise<Answer> } {
    callCount += 1;
    const number = callCount;
    const answered = new Promise<Answer>((answer, fail) => {
      calls.set(number, { process, job, answer, fail, lastStarted: undefined });
    });
    process.hold(true);
    send(number);
    return { number, answered };
  }

  async function run(job: EngineJob): Promise<RunOutcome> {
    if (job.signal?.aborted) return cancelled(job.signal.reason);
    const process = await ready();
    if (job.signal?.aborted) return cancelled(job.signal.reason);
    const { number, answered } = ask(
      process,
      (call) =>
        process.send({
          type: "run",
          call,
          job: {
            jobId: job.jobId,
            promptJson: typeof job.prompt === "string" ? job.prompt : stringifyJson(job.prompt),
            extraDataJson: stringifyJson(job.extraData ?? {}),
            targets: job.targets ?? null,
            allocatesNames: job.allocateNames !== undefined,
            folders: job.folders ?? null,
          },
        }),
      job,
    );
    const withdraw = onCancel(job.signal, killAfterMs, {
      cancel: (reason) => process.send({ type: "cancel", call: number, reason: sendError(reason) }),
      kill: process.kill,
    });
    try {
      const answer = await answered;
      if (answer.kind !== "outcome") throw new TypeError(`expected an outcome, got ${answer.kind}`);
      const { outcome, cause } = answer;
      if (outcome.error?.code === "ENGINE_CRASHED" && job.signal?.aborted) {
        return { ...cancelled(job.signal.reason), outputs: outcome.outputs };
      }
      return cause === undefined ? outcome : { ...outcome, cause: receiveError(cause) };
    } finally {
      withdraw();
    }
  }

  // Wrong options and folders show now, not at the first job.
  await ready();

  return {
    folders,
    get pid() {
      return current?.process.pid;
    },
    async catalog() {
      const process = await ready();
      const { answered } = ask(process, (call) => process.send({ type: "catalog", call }));
      const answer = await answered;
      if (answer.kind !== "catalog") throw new TypeError(`expected a catalog, got ${answer.kind}`);
      return answer.catalog;
    },
    async validate({ prompt, targets = null }) {
      const process = await ready();
      const promptJson = typeof prompt === "string" ? prompt : stringifyJson(prompt);
      const { answered } = ask(process, (call) =>
        process.send({ type: "validate", call, promptJson, targets }),
      );
      const answer = await answered;
      if (answer.kind !== "validation") {
        throw new TypeError(`expected a validation, got ${answer.kind}`);
      }
      return answer.validation;
    },
    async answerChecks(checksJson, wanted) {
      const process = await ready();
      const { answered } = ask(process, (call) =>
        process.send({ type: "answer-checks", call, checksJson, folders: wanted ?? null }),
      );
      const answer = await answered;
      if (answer.kind !== "checks") throw new TypeError(`expected answers, got ${answer.kind}`);
      return [...answer.answers];
    },
    run,
    async free(options = {}) {
      // Without a process there is nothing to free.
      if (current === undefined) return;
      const process = await ready();
      await ask(process, (call) => process.send({ type: "free", call, options })).answered;
    },
    async [Symbol.asyncDispose]() {
      isClosed = true;
      const process = current?.process;
      if (process !== undefined) {
        process.hold(true);
        process.send({ type: "close" });
        const timer = setTimeout(process.kill, CLOSE_MS);
        await process.ended;
        clearTimeout(timer);
      }
      if (options.temp === undefined) await rm(folders.temp, { recursive: true, force: true });
    },
  };
}

/** Passes a cancellation on, and kills when the job has not ended some time later. */
function onCancel(
  signal: AbortSignal | undefined,
  killAfterMs: number,
  { cancel, kill }: { cancel(reason: unknown): void; kill(): void },
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const abort = () => {
    cancel(signal?.reason);
    timer = setTimeout(kill, killAfterMs);
  };
  signal?.addEventListener("abort", abort, { once: true });
  return () => {
    signal?.removeEventListener("abort", abort);
    clearTimeout(timer);
  };
}

async function allocate(allocator: NameAllocator | undefined, names: NameRequest) {
  try {
    if (allocator === undefined) throw new Error("this job allocates no names");
    return await allocator(names);
  } catch (cause) {
    return sendError(cause);
  }
}

function cancelled(reason: unknown): RunOutcome {
  return {
    state: "cancelled",
    outputs: {},
    error: cancelReport(reason, undefined, []),
    cause: reason,
  };
}

function crashed(
  { exitCode, signal, lastWords }: ProcessEnd,
  at?: Call["lastStarted"],
): CodedError {
  const how =
    signal === null ? `with exit code ${exitCode}` : `by signal ${signal}${meaning(signal)}`;
  const where = at === undefined ? "" : ` while node "${at.realNodeId ?? at.nodeId}" ran`;
  const words = lastWords.trim();
  const said = words === "" ? "" : `; its last words were: ${words}`;
  return new CodedError("ENGINE_CRASHED", `the engine's process ended ${how}${where}${said}`);
}

function meaning(signal: NodeJS.Signals): string {
  return signal === "SIGKILL" ? ", which the system sends when memory runs out" : "";
}

function crashReport(error: CodedError, { lastStarted, job }: Call): RunOutcome {
  const nodeId = lastStarted?.realNodeId ?? lastStarted?.nodeId;
  return {
    state: "failed",
    outputs: {},
    error: {
      code: error.code,
      message: error.message,
      retryable: error.isRetryable,
      ...(nodeId === undefined
        ? {}
        : {
            node: {
              nodeId,
              nodeType: classOf(job?.prompt, nodeId),
              exceptionType: error.code,
              traceback: [],
              inputs: {},
            },
          }),
    },
    cause: error,
  };
}

/** The class of a node of the user's graph; "" where the prompt is text. */
function classOf(prompt: unknown, nodeId: string): string {
  const node: unknown =
    typeof prompt === "object" && prompt !== null && Reflect.get(prompt, nodeId);
  if (typeof node !== "object" || node === null || !("class_type" in node)) return "";
  return String(node.class_type);
}
