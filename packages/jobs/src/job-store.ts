import type {
  ExtraData,
  JobError,
  JobMessage,
  JobProgress,
  JobState,
  JobView,
  ModelCatalog,
  NodeCatalog,
  Outputs,
  Prompt,
  TerminalState,
  WorkerRegistration,
} from "@rabbitloom/protocol";

/**
 * What the fleet remembers, in Redis. Every change of a job's state is one script that compares and sets:
 *
 *   pending -> running -> succeeded | failed | cancelled | dead
 *
 * `pending`: from `submit` (before the job is published) until a worker claims it, and again once a worker
 * has handed it back. `running`: from a claim on; a later claim, after a redelivery, raises the attempt. Terminal states:
 * set once, by the live attempt's `finish`, by `cancel`, or by `bury`; they never change. A job is at any
 * moment in exactly one of the pending, running and ended lists, so that no reader sees a gap.
 */
export interface JobStore extends AsyncDisposable {
  /** Writes the record of a job that is about to be published. Throws CONFLICT where the id is taken. */
  submit(job: NewJob): Promise<{ readonly number: number }>;
  /**
   * Removes a pending record again: the broker did not take the job. False where a worker has it already: the
   * broker took it after all. A delivery that comes later still is ignored.
   */
  withdraw(jobId: string): Promise<boolean>;
  /**
   * Takes a delivered job for a worker. A job that came over AMQP and has no record yet gets one.
   * Whatever is not `claimed` is to be acknowledged and forgotten.
   */
  claim(request: ClaimRequest): Promise<Claim>;
  /** Notes how far the attempt is; ignored from an attempt that is not the live one. Answers what the attempt is to do. */
  reportProgress(jobId: string, attempt: number, report: ProgressReport): Promise<AttemptStatus>;
  /**
   * Hands a job back that is going to be delivered again: it is pending once more, and this attempt is fenced.
   * With an error it counts among the attempts that failed. False where the attempt was not the live one.
   */
  release(jobId: string, attempt: number, error?: JobError): Promise<boolean>;
  /**
   * Commits the attempt's outcome. False where another attempt or a cancellation came first: publish nothing then.
   * Throws NOT_FOUND where Redis has lost the record: the job has to be delivered again.
   */
  finish(jobId: string, attempt: number, outcome: JobOutcome): Promise<boolean>;
  /** Compare-and-cancel. `wasRunning` tells that a worker still has to be told. */
  cancel(jobId: string): Promise<Cancellation>;
  /**
   * Ends a job that was dead-lettered; the error of its last attempt is added to the message. `blameless`: the
   * broker counted deliveries that never were attempts, so the job deserves another turn.
   */
  bury(jobId: string, error: JobError): Promise<Burial>;
  /** Notes that the terminal event of this attempt is out, so that nobody says it again. */
  noteAnnounced(jobId: string, attempt: number): Promise<void>;

  /** The whole record. Undefined: unknown. Throws JOB_EXPIRED for one that is no longer kept. */
  find(jobId: string): Promise<JobRecord | undefined>;
  view(jobId: string): Promise<JobView | undefined>;
  list(filter?: JobFilter): Promise<{ readonly jobs: JobView[]; readonly total: number }>;
  /** Pending and running records, each in order of `number`. */
  queue(): Promise<{ readonly running: JobRecord[]; readonly pending: JobRecord[] }>;
  /** Jobs pending or running. */
  queueSize(): Promise<number>;
  /** Ended records, oldest first; `maxItems` takes the newest ones unless an offset is given. */
  history(window?: { readonly maxItems?: number; readonly offset?: number }): Promise<JobRecord[]>;
  forget(jobIds: readonly string[]): Promise<void>;
  forgetAllEnded(): Promise<void>;
  /** Calls back with the queue size whenever a job of any gateway or worker changes state. */
  onQueueChange(listener: (queueSize: number) => void): Disposable;

  /**
   * The next `count` numbers for files of one prefix in one folder, for every worker in turn. `seed` is
   * called once per prefix, where no number is known: it looks at the folder and answers the highest used one.
   * They are noted for the attempt, so that a later one can remove what it left behind.
   */
  allocateNumbers(request: NumberRequest): Promise<{ readonly first: number }>;

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

  ping(): Promise<void>;
}

export interface FleetCatalog {
  readonly nodes: NodeCatalog;
  readonly models: ModelCatalog;
}

export interface NewJob {
  readonly message: JobMessage & { readonly jobId: string };
  /** ComfyUI's queue number where the client chose one; `front` puts the job before all others. */
  readonly number?: number;
  readonly front?: boolean;
}

export interface ClaimRequest {
  readonly message: JobMessage & { readonly jobId: string };
  readonly workerId: string;
  /**
   * The broker delivers this message for the first time. Where another worker runs the job, it is then a second
   * message of the same id, not the word that the worker has died. @default false
   */
  readonly isFirstDelivery?: boolean;
}

export type Claim =
  | {
      readonly type: "claimed";
      readonly attempt: number;
      /** Files that earlier attempts wrote: to be removed. */
      readonly staleFiles: readonly FileNumbers[];
    }
  /**
   * It ended before (cancelled in the queue, or finished by an attempt whose ack was lost). `record` is there
   * as long as it is kept. Where it is not announced, its terminal event may never have got out.
   */
  | { readonly type: "ended"; readonly state?: TerminalState; readonly record?: JobRecord }
  /** A second message of a job that another worker runs: nothing to do. */
  | { readonly type: "duplicate" }
  /** A worker that was to stop it died first: cancelled by this very call. */
  | { readonly type: "cancelled"; readonly attempt: number; readonly error: JobError }
  /** `deadlineAt` has passed: failed by this very call. */
  | { readonly type: "expired"; readonly attempt: number; readonly error: JobError };

export interface AttemptStatus {
  /** False: another attempt has taken over, or the job has ended. Stop, and publish nothing. */
  readonly isLive: boolean;
  readonly isCancelRequested: boolean;
}

export type Burial =
  | {
      readonly type: "buried";
      /** Number for the terminal event, whose seq is 1. */
      readonly attempt: number;
      readonly error: JobError;
      readonly gatewayId?: string;
    }
  | { readonly type: "ended" | "unknown" | "blameless" };

export interface ProgressReport {
  readonly lastSeq: number;
  readonly progress?: JobProgress;
}

export interface JobOutcome {
  readonly state: TerminalState;
  readonly outputs: Outputs;
  readonly error?: JobError;
  readonly lastSeq: number;
  /** ComfyUI's history: `meta` and the messages of `status`, for `/history`. */
  readonly history?: Readonly<Record<string, unknown>>;
}

/**
 * Exactly one side says the terminal event. `pending`: the canceller publishes it, as event 1 of `attempt`, and
 * notes it by `noteAnnounced`. `running`: the request is noted, the canceller sends a job-cancel control message, and
 * the worker that stops publishes the event with its own attempt (should that worker die, the next claim ends
 * the job). It may also have been too late, and the job succeeds.
 */
export interface Cancellation {
  /** The state that was found; `unknown` where there is no such job. */
  readonly found: JobState | "unknown";
  /** A worker has to be told. */
  readonly wasRunning: boolean;
  /** Number for the terminal event of a job that was pending. */
  readonly attempt: number;
  readonly gatewayId?: string;
}

export interface JobRecord extends JobView {
  readonly number: number;
  readonly prompt: Prompt;
  readonly extraData: ExtraData;
  readonly targets?: string[];
  readonly gatewayId?: string;
  /** Its terminal event is known to be out. */
  readonly isAnnounced: boolean;
  readonly history?: Readonly<Record<string, unknown>>;
}

export interface JobFilter {
  readonly states?: readonly JobState[];
  readonly limit?: number;
  readonly offset?: number;
}

/** Where the files of some numbers are, or were going to be. */
export interface FileNumbers {
  /** Root folder kind. */
  readonly type: "output" | "temp";
  readonly subfolder: string;
  readonly prefix: string;
  readonly first: number;
  readonly count: number;
}

export interface NumberRequest extends Omit<FileNumbers, "first"> {
  readonly jobId: string;
  readonly attempt: number;
  readonly seed: () => Promise<number>;
}
