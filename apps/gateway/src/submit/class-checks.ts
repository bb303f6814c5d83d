import { randomUUID } from "node:crypto";
import type { JobStore } from "@rabbitloom/jobs";
import type {
  ClassCheckAnswer,
  ClassCheckReply,
  ControlMessage,
  NodeCatalog,
  WorkerRegistration,
} from "@rabbitloom/protocol";
import { type CustomCheck, type CustomCheckRequest, stringifyJson } from "@rabbitloom/workflow";

/**
 * Node classes that validate their inputs themselves live with the workers: one of them is asked over the broker,
 * before the client hears 200. A worker that computes may be silent, so another one is asked beside it. Where
 * nobody answers in time the prompt is taken: its worker checks it again before it runs.
 */
export interface ClassChecks {
  /** Whether a node of this class has to be asked of a worker: what it validates is more than that a file is there. */
  isAsked(catalog: NodeCatalog, classType: string): boolean;
  /** A check for one validation: what it is asked in one turn of the event loop goes out as one question. */
  forPrompt(tenant: string): CustomCheck;
  receive(reply: ClassCheckReply): void;
}

export interface ClassCheckOptions {
  readonly store: Pick<JobStore, "workers">;
  /** Rejects where that worker is gone. */
  readonly send: (workerId: string, message: ControlMessage) => Promise<void>;
  /** The queue that replies come back on. */
  readonly replyTo: string;
  readonly onError: (error: unknown) => void;
  /** Altogether. @default 2_000 */
  readonly deadlineMs?: number;
  /** Before another worker is asked beside the first. @default 300, some trips to the broker */
  readonly patienceMs?: number;
}

type Answers = readonly ClassCheckAnswer[];

export function classChecks(options: ClassCheckOptions): ClassChecks {
  const { store, send, replyTo, onError, deadlineMs = 2_000, patienceMs = 300 } = options;
  const waiting = new Map<string, (reply: ClassCheckReply) => void>();

  /** The first full answer of any worker; else as much as was heard when the time was over. */
  async function ask(tenant: string, checks: readonly CustomCheckRequest[]): Promise<Answers> {
    const workers = inOrderOfAsking(await store.workers());
    const requestId = randomUUID();
    const checksJson = stringifyJson(checks);
    let best: Answers = [];
    return new Promise((resolve) => {
      const end = setTimeout(finish, deadlineMs);
      let next: NodeJS.Timeout | undefined;
      function finish(): void {
        clearTimeout(end);
        clearTimeout(next);
        waiting.delete(requestId);
        resolve(best);
      }
      function askNext(): void {
        clearTimeout(next);
        const worker = workers.shift();
        // Those that were asked may still answer.
        if (worker === undefined) return;
        next = setTimeout(askNext, patienceMs);
        const question = { requestId, replyTo, tenant, checksJson };
        const message = { v: 1, type: "nodes-check", ...question } as const;
        send(worker.workerId, message).catch((error: unknown) => {
          onError(error);
          goOn();
        });
      }
      /** One worker less that can still answer. */
      function goOn(): void {
        hopes -= 1;
        if (hopes <= 0) finish();
        else askNext();
      }
      let hopes = workers.length;
      waiting.set(requestId, ({ answers }) => {
        if (known(answers) >= known(best)) best = answers;
        if (known(best) === checks.length) finish();
        else goOn();
      });
      if (workers.length === 0) finish();
      else askNext();
    });
  }

  return {
    isAsked(catalog, classType) {
      const entry = Object.hasOwn(catalog, classType) ? catalog[classType] : undefined;
      if (entry === undefined) return false;
      const { validates, validatesTypes, listed } = entry;
      if (validates === "all" || validatesTypes) return true;
      return validates.some((name) => listed[name]?.kind !== "files");
    },
    forPrompt(tenant) {
      let batch: { readonly checks: CustomCheckRequest[]; readonly answers: Promise<Answers> };
      function gather() {
        const checks: CustomCheckRequest[] = [];
        const answers = Promise.resolve()
          .then(() => ask(tenant, checks))
          .catch((error: unknown): Answers => {
            onError(error);
            return [];
          });
        return { checks, answers };
      }
      return async (request) => {
        batch ??= gather();
        const index = batch.checks.push(request) - 1;
        return verdict((await batch.answers)[index]);
      };
    },
    receive: (reply) => waiting.get(reply.requestId)?.(reply),
  };
}

/** Idle ones first: an engine in the middle of a step does not listen. */
function inOrderOfAsking(workers: readonly WorkerRegistration[]): WorkerRegistration[] {
  const rank = { idle: 0, busy: 1, draining: 2 } as const;
  return workers.toSorted((a, b) => rank[a.state] - rank[b.state]);
}

function known(answers: Answers): number {
  return answers.filter(({ type }) => type !== "unknown").length;
}

/** As validation takes it; what nobody could say is left to the worker that runs the prompt. */
function verdict(answer: ClassCheckAnswer | undefined): boolean | string {
  switch (answer?.type) {
    case undefined:
    case "unknown":
    case "fine":
      return true;
    case "refused":
      return answer.why === "" ? false : answer.why;
    case "broken": {
      const error = new Error(answer.message);
      error.name = answer.name;
      throw error;
    }
  }
}
