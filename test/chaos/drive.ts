import { setTimeout as delay } from "node:timers/promises";
import type { Lane } from "@rabbitloom/protocol";
import { type Answer, cancelJob, submitJob } from "./client.ts";
import { type JobPlan, planJob } from "./job-plan.ts";
import type { Random } from "./random.ts";

/** Clients that submit jobs, one after another each, until told to stop. */
export interface Drive {
  readonly submitted: number;
  /** Jobs whose clients have no answer yet. */
  readonly waiting: readonly string[];
  /** So many clients more, with one job for this lane each; resolves when all have their answer. */
  flood(lane: Lane): Promise<void>;
  /** Runs the task when no job is on its way that asks to be watched, and submits none meanwhile. */
  withoutWatchers(task: () => Promise<void>): Promise<void>;
  /** Nothing more is submitted. Resolves with every job when every client has its answer. */
  stop(): Promise<readonly Tracked[]>;
}

export interface Tracked {
  readonly plan: JobPlan;
  readonly answer: Answer;
  readonly submittedAt: number;
  readonly answeredAt: number;
}

export interface DriveOptions {
  readonly urls: readonly [string, ...string[]];
  readonly random: Random;
  readonly clients: number;
  readonly floodClients: number;
  /** Called when a job is taken by the very request that asks for it. */
  readonly onJob: (plan: JobPlan) => void;
}

const CANCEL_WITHIN_MS = 60_000;

export function drive(options: DriveOptions): Drive {
  const { urls, random, clients, floodClients, onJob } = options;
  const tracked: Tracked[] = [];
  const cancelling: Promise<void>[] = [];
  let submitted = 0;
  let isOver = false;
  let watchersBarred = 0;
  const watched = new Set<Promise<unknown>>();
  const waiting = new Set<string>();

  async function submitOne(lane?: Lane): Promise<void> {
    submitted += 1;
    const planned = planJob(submitted, random);
    const watch = planned.watch && watchersBarred === 0;
    const plan = { ...planned, watch, ...(lane !== undefined && { lane }) };
    const submittedAt = performance.now();
    const answering = submitJob(() => random.pick(urls), plan);
    waiting.add(plan.id);
    if (watch) {
      watched.add(answering);
      void answering.finally(() => watched.delete(answering));
    }
    const answer = await answering;
    waiting.delete(plan.id);
    tracked.push({ plan, answer, submittedAt, answeredAt: performance.now() });
    // Who is told that the job was taken before (409) asks for its stream anew.
    if (answer.status === 200 || answer.status === 202) onJob(plan);
    if (answer.answer === "accepted" && plan.cancelAfterMs !== undefined) {
      cancelling.push(cancelJob(urls, plan, AbortSignal.timeout(CANCEL_WITHIN_MS)));
    }
    // Nobody is there, or the lane is full: as a client does that reads Retry-After.
    if (answer.answer !== "accepted") await delay(random.between(50, 400));
    else await delay(random.between(0, 120));
  }

  async function client(): Promise<void> {
    while (!isOver) await submitOne();
  }
  const running = Array.from({ length: clients }, client);

  return {
    get submitted() {
      return submitted;
    },
    get waiting() {
      return [...waiting];
    },
    async flood(lane) {
      await Promise.all(Array.from({ length: floodClients }, () => submitOne(lane)));
    },
    async withoutWatchers(task) {
      watchersBarred += 1;
      try {
        await Promise.all(watched);
        await task();
      } finally {
        watchersBarred -= 1;
      }
    },
    async stop() {
      isOver = true;
      await Promise.all(running);
      await Promise.all(cancelling);
      return tracked;
    },
  };
}
