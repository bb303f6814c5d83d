import type { JobError, JobView, WorkerRegistration } from "@rabbitloom/protocol";
import type { AssetStore } from "./asset-store.ts";
import type { FileNumberStore } from "./file-numbers.ts";
import type { IdempotencyStore } from "./idempotency.ts";
import type { KeyRing } from "./keys.ts";
import type {
  AttemptStatus,
  Burial,
  Cancellation,
  Claim,
  ClaimRequest,
  EndedUnrun,
  FleetCatalog,
  JobFilter,
  JobOutcome,
  JobRecord,
  NewJob,
  ProgressReport,
  RunningAttempt,
  SubmittedRecord,
  UncommittedEnd,
  WaitingJob,
  WaitingLook,
} from "./store-types.ts";
import type { TurnStore } from "./turns.ts";
import type { WebhookStore } from "./webhooks.ts";

/**
 * Whose jobs a call may see and touch: one tenant's, or everybody's, for operators and for the fleet's own needs.
 * Another tenant's job is answered as one that there never was.
 */
export type Reach = { readonly tenant: string } | "every-tenant";

/**
 * What the fleet remembers, in Redis. Every change of a job's state is one script that compares and sets:
 *
 *   pending -> running -> succeeded | failed | cancelled | dead
 *
 * `pending`: from `submit` (before the job is published) until a worker claims it, and again once a worker
 * has handed it back. `running`: from a claim on; a later claim, after a redelivery, raises the attempt. Terminal states:
 * set once, by the live attempt's `finish`, by `cancel`, `refuse` or `bury`; they never change. A job is at any
 * moment in exactly one of the pending, running and ended lists, so that no reader sees a gap.
 */
export interface JobStore
  extends AssetStore,
    FileNumberStore,
    IdempotencyStore,
    TurnStore,
    WebhookStore,
    AsyncDisposable {
  /**
   * Writes the record of a job that is about to be published. Throws CONFLICT where the id is taken, or is remembered as that
   * of another tenant's job.
   */
  submit(job: NewJob): Promise<SubmittedRecord>;
  /**
   * Removes a pending record again: the broker did not take the job. False where it stays: a worker has it already, so the
   * broker took it after all, or somebody counts on the job: `promise`, or another `submit` of this id that was told CONFLICT.
   * A delivery that comes later still is ignored: for a week where the message `mayArrive`.
   */
  withdraw(
    message: Pick<NewJob["message"], "jobId" | "tenant" | "submission">,
    options: { readonly mayArrive: boolean },
  ): Promise<boolean>;
  /**
   * A client is going to be told that the job is taken: its record is not withdrawn any more. False where it is not there.
   */
  promise(reach: Reach, jobId: string): Promise<boolean>;
  /**
   * Takes a delivered job for a worker. A job that came over AMQP and has no record yet gets one.
   * Whatever is not `claimed` is to be acknowledged and forgotten.
   */
  claim(request: ClaimRequest): Promise<Claim>;
  /** Notes how far the attempt is; ignored from an attempt that is not the live one. Answers what the attempt is to do. */
  reportProgress(jobId: string, attempt: number, report: ProgressReport): Promise<AttemptStatus>;
  /**
   * Hands a job back that is going to be delivered again: it is pending once more, and this attempt is fenced.
   * With an error it counts among the attempts that failed, whose number is answered. Undefined where the attempt was
   * not the live one.
   */
  release(
    jobId: string,
    attempt: number,
    error?: JobError,
  ): Promise<{ readonly faults: number } | undefined>;
  /**
   * Commits the attempt's outcome. False where another attempt or a cancellation came first: publish nothing then.
   * Throws NOT_FOUND where Redis has lost the record: the job has to be delivered again.
   */
  finish(jobId: string, attempt: number, outcome: JobOutcome): Promise<boolean>;
  /** Compare-and-cancel. `wasRunning` tells that a worker still has to be told. */
  cancel(reach: Reach, jobId: string): Promise<Cancellation>;
  /**
   * Ends a job that never ran as failed, because nobody can read its message. Undefined where there is no job of the tenant's
   * that waits for its first attempt: nothing is changed then. The end is the caller's to say.
   */
  refuse(
    owner: { readonly tenant: string },
    jobId: string,
    error: JobError,
  ): Promise<EndedUnrun | undefined>;
  /**
   * Ends a job that was dead-lettered; the error of its last attempt is added to the message. `blameless`: fewer than
   * `faults` of its attempts have failed, as the broker also counts deliveries that never were any, so the job deserves
   * another turn. @default one
   */
  bury(jobId: string, error: JobError, faults?: number): Promise<Burial>;
  /** Notes that the terminal event of this attempt is out, so that nobody says it again. */
  noteAnnounced(jobId: string, attempt: number): Promise<void>;

  /** The whole record. Undefined: unknown. Throws JOB_EXPIRED for one that is no longer kept. */
  find(reach: Reach, jobId: string): Promise<JobRecord | undefined>;
  view(reach: Reach, jobId: string): Promise<JobView | undefined>;
  list(
    reach: Reach,
    filter?: JobFilter,
  ): Promise<{ readonly jobs: JobView[]; readonly total: number }>;
  /** Pending and running records, each in order of `number`. */
  queue(reach: Reach): Promise<{ readonly running: JobRecord[]; readonly pending: JobRecord[] }>;
  /** Jobs pending or running, of all tenants: a number tells nobody anything. */
  queueSize(): Promise<number>;
  /** Ended records, oldest first; `maxItems` takes the newest ones unless an offset is given. */
  history(
    reach: Reach,
    window?: { readonly maxItems?: number; readonly offset?: number },
  ): Promise<JobRecord[]>;
  forget(reach: Reach, jobIds: readonly string[]): Promise<void>;
  forgetAllEnded(reach: Reach): Promise<void>;
  /** Calls back with the queue size whenever a job of any gateway or worker changes state. */
  onQueueChange(listener: (queueSize: number) => void): Disposable;

  /** Notes that the job has a stream on the broker, from before it is made until after it is deleted. */
  noteStream(jobId: string): Promise<void>;
  forgetStream(jobId: string): Promise<void>;
  /** Jobs that have a stream. */
  streams(): Promise<string[]>;

  /**
   * Registers a worker, until it retires or is silent for too long. Answers whether its catalog is known: if
   * not, it has to be announced with it.
   */
  announce(worker: WorkerRegistration, catalog?: FleetCatalog): Promise<boolean>;
  retire(workerId: string): Promise<void>;
  workers(): Promise<WorkerRegistration[]>;
  /** Union of all catalogs; kept after the last worker has left. Undefined until a first one came. */
  catalog(): Promise<(FleetCatalog & { readonly digest: string }) | undefined>;

  /** Ends pending jobs whose time to be started has passed, at most a hundred a call; their last events are the caller's to say. */
  expire(): Promise<EndedUnrun[]>;
  /**
   * Jobs that ended without an attempt's commit and whose end is not known to be out, oldest first, at most a thousand: each
   * is noted by the step that ends it, for its caller may die before it says the end.
   */
  unsaid(): Promise<{ readonly jobId: string; readonly endedAt: string }[]>;
  /** Undefined where it is out, or where the job is no longer kept. */
  unsaidEnd(jobId: string): Promise<UncommittedEnd | undefined>;
  /** Running attempts, each with the time of its last sign of life: one that does not change is gone. */
  attempts(): Promise<RunningAttempt[]>;
  /**
   * Fences an attempt that is gone and makes its job pending again, where nothing has been heard of it since. True for one
   * caller alone: it publishes the job again.
   */
  takeBack(attempt: RunningAttempt): Promise<{ readonly faults: number } | undefined>;
  /** True while some worker runs the job and says so. */
  isAttemptAlive(jobId: string): Promise<boolean>;
  /**
   * Some thousand pending jobs, in no order, from where the last look ended; without `next` they were the last. What was there
   * from the first look to the last has been seen, perhaps twice.
   */
  waiting(look?: WaitingLook): Promise<{ readonly jobs: WaitingJob[]; readonly next?: string }>;
  /** Notes that the job is published once more, so that it stands behind all others from now on. */
  requeue(jobId: string): Promise<void>;
  /** True for one holder at a time, until it asks no more for so long. */
  lease(name: string, holder: string, ttlMs: number): Promise<boolean>;
  /**
   * Since when this store remembers: workers note it with every beat, so that it is right to some seconds where one is
   * there. Jobs from before that are forgotten, though the broker may hold them.
   */
  remembersSince(): Promise<string>;
  /** API keys. */
  readonly keys: KeyRing;
  /** Counts a request of somebody's, over all gateways: how many in the window so far, and when the window ends. */
  countRequest(
    who: string,
    windowMs: number,
  ): Promise<{ readonly used: number; readonly resetMs: number }>;

  ping(): Promise<void>;
  /** How long a job is kept after its end, unless too many end. */
  readonly keepMs: number;
}
