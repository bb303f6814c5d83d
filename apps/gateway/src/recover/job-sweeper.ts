import { type JobStore, jobError, type WaitingJob } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import type { JobLanes, JobPublisher, ReplyStreams } from "../amqp/ports.ts";
import { sayEnd } from "../events/say-end.ts";
import { publishRecord } from "../submit/publish-record.ts";
import { eachTried } from "./each-tried.ts";
import { unchangedFor } from "./unchanged-for.ts";

/**
 * Finds the jobs that nobody looks after any more, whatever lost them:
 *
 *   waits longer than it may              ends as failed, QUEUE_DEADLINE
 *   runs, and its attempt says nothing    pending again and published again; after too many attempts, dead
 *   waits, and its lane is empty, or      published again: the message was never sent, or the broker has lost it
 *   later ones were taken from it
 *   the same, and no worker can read it   dead: it would wait for ever
 *   has ended, and nobody has said so     its end is said: whoever ended it has died, or could not publish
 *
 * A job that is published twice runs once: the claim drops what is not needed. One gateway sweeps at a time, and every
 * change is compared and set, so that two would do no harm.
 */
export interface JobSweeper {
  sweep(): Promise<Swept>;
}

export interface Swept {
  readonly expired: number;
  readonly takenBack: number;
  readonly published: number;
  /** Ends that nobody had said. */
  readonly said: number;
}

export interface JobSweeperOptions {
  readonly store: Pick<
    JobStore,
    | "lease"
    | "expire"
    | "unsaid"
    | "unsaidEnd"
    | "attempts"
    | "takeBack"
    | "waiting"
    | "requeue"
    | "find"
    | "bury"
    | "noteAnnounced"
    | "streams"
  >;
  readonly publisher: Pick<JobPublisher, "publishJob" | "publishEvents">;
  readonly streams: Pick<ReplyStreams, "create">;
  readonly lanes: JobLanes;
  readonly gatewayId: string;
  /** How long an attempt, the message of a waiting job, or an end may be missing. Longer than the broker needs to notice it. */
  readonly missingMs: number;
  readonly deliveryLimit: number;
  readonly leaseMs: number;
  /** Tenants have queues of their own. */
  readonly hasOwnQueues: boolean;
  readonly now?: () => number;
}

interface Round {
  /** Where the last look ended. */
  readonly from: string | undefined;
  readonly suspects: WaitingJob[];
}

const NOTHING: Swept = { expired: 0, takenBack: 0, published: 0, said: 0 };

export function jobSweeper(options: JobSweeperOptions): JobSweeper {
  const { store, lanes, gatewayId, missingMs, deliveryLimit, leaseMs } = options;
  const { hasOwnQueues, streams } = options;
  const now = options.now ?? (() => performance.now());
  const silent = unchangedFor(now);
  const lost = unchangedFor(now);
  const unsaid = unchangedFor(now);
  /** A look at some of the waiting jobs is a part of a round over all. */
  let round: Round = { from: undefined, suspects: [] };

  async function expire(): Promise<number> {
    const expired = await store.expire();
    await allTried(expired.map((end) => sayEnd(options, { ...end, state: "failed" })));
    return expired.length;
  }

  async function sayUnsaid(): Promise<number> {
    const keyOf = ({ jobId, endedAt }: { jobId: string; endedAt: string }) => `${jobId} ${endedAt}`;
    const found = unsaid.look(await store.unsaid(), keyOf, missingMs);
    if (found.length === 0) return 0;
    // Looked at anew from now on: what cannot be said is not tried again at once.
    unsaid.look([], keyOf, 0);
    let said = 0;
    const say = async ({ jobId }: (typeof found)[number]) => {
      const end = await store.unsaidEnd(jobId);
      if (end === undefined) return;
      await sayEnd(options, end);
      said += 1;
    };
    await allTried(found.map(say));
    return said;
  }

  async function takeBack(): Promise<number> {
    let taken = 0;
    const attempts = await store.attempts();
    const keyOf = ({ jobId, attempt, aliveAt }: (typeof attempts)[number]) =>
      `${jobId} ${attempt} ${aliveAt}`;
    await eachTried(silent.look(attempts, keyOf, missingMs), async (attempt) => {
      const back = await store.takeBack(attempt);
      if (back === undefined) return;
      taken += 1;
      if (back.faults > deliveryLimit)
        await giveUp(attempt.jobId, "its worker was lost at every attempt.");
      else await publishAgain([attempt.jobId]);
    });
    return taken;
  }

  async function giveUp(jobId: string, why: string): Promise<void> {
    const burial = await store.bury(jobId, jobError("JOB_DEAD", `The job was given up: ${why}`), 0);
    if (burial.type !== "buried") return;
    const { type: _, ...end } = burial;
    await sayEnd(options, { jobId, state: "dead", ...end });
  }

  async function findLost(): Promise<number> {
    const { jobs, next } = await store.waiting({ from: round.from, hasOwnQueues });
    const ready = askingOnce(lanes);
    for (const job of jobs) {
      if (job.isPassed || (await isEmpty(job, ready))) round.suspects.push(job);
    }
    const { suspects } = round;
    round = { from: next, suspects: next === undefined ? [] : suspects };
    if (next !== undefined) return 0;
    const keyOf = ({ jobId, attempt }: WaitingJob) => `${jobId} ${attempt}`;
    const found = lost
      .look(suspects, keyOf, missingMs)
      .toSorted((one, other) => one.number - other.number);
    try {
      await publishAgain(found.map(({ jobId }) => jobId));
    } finally {
      // Looked at anew from now on: a message that is on its way is not lost again.
      if (found.length > 0) lost.look([], keyOf, 0);
    }
    return found.length;
  }

  /** A message may be in the lane although its tenant has a queue: a service sent it, or tenants had none then. */
  async function isEmpty(
    { lane, pool, tenant }: WaitingJob,
    ready: JobLanes["ready"],
  ): Promise<boolean> {
    if ((await ready(lane, pool)) !== 0) return false;
    return !hasOwnQueues || ((await ready(lane, pool, tenant)) ?? 0) === 0;
  }

  async function publishAgain(jobIds: readonly string[]): Promise<void> {
    if (jobIds.length === 0) return;
    const noted = new Set(await store.streams());
    let failure: unknown;
    for (const jobId of jobIds) {
      try {
        await publishOrGiveUp(jobId, noted);
      } catch (cause) {
        const error = CodedError.from(cause);
        if (isForAll(error)) throw error;
        // It is tried again at a later sweep; the others need not wait for it.
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  async function publishOrGiveUp(jobId: string, noted: ReadonlySet<string>): Promise<void> {
    try {
      await publishOne(jobId, noted);
    } catch (cause) {
      const error = CodedError.from(cause);
      if (error.isRetryable) throw error;
      await giveUp(jobId, error.message);
    }
  }

  async function publishOne(jobId: string, noted: ReadonlySet<string>): Promise<void> {
    const record = await store.find("every-tenant", jobId);
    if (record?.state !== "pending") return;
    // Its gateway may have died while it made the stream.
    if (noted.has(jobId)) await streams.create(jobId);
    await publishRecord(options, record);
  }

  const steps: readonly (readonly [keyof Swept, () => Promise<number>])[] = [
    ["expired", expire],
    ["takenBack", takeBack],
    ["published", findLost],
    ["said", sayUnsaid],
  ];

  return {
    async sweep() {
      if (!(await store.lease("job-sweeper", gatewayId, leaseMs))) {
        // What was seen before says nothing about now.
        round = { from: undefined, suspects: [] };
        for (const looks of [silent, lost, unsaid]) looks.look([], String, 0);
        return NOTHING;
      }
      const swept: { -readonly [Step in keyof Swept]: number } = { ...NOTHING };
      await eachTried(steps, async ([step, take]) => {
        swept[step] = await take();
      });
      return swept;
    },
  };
}

/** One end that cannot be said keeps no other; it is among the unsaid. Throws what went wrong first. */
async function allTried(saying: readonly Promise<void>[]): Promise<void> {
  const tried = await Promise.allSettled(saying);
  const failed = tried.find((each) => each.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** A failure that the next job would meet as well. */
function isForAll({ code }: CodedError): boolean {
  return code === "BROKER_UNAVAILABLE" || code === "STORE_UNAVAILABLE";
}

/** Many jobs wait in one queue, and many tenants' jobs could be in one lane: the broker is asked once for each. */
function askingOnce(lanes: JobLanes): JobLanes["ready"] {
  const answers = new Map<string, ReturnType<JobLanes["ready"]>>();
  return (lane, pool, tenant) => {
    const place = [lane, pool, tenant].join(" ");
    const answer = answers.get(place) ?? lanes.ready(lane, pool, tenant);
    answers.set(place, answer);
    return answer;
  };
}
