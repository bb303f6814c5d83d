import type {
  ExtraData,
  JobError,
  JobLimits,
  JobMessage,
  JobProgress,
  JobState,
  JobView,
  ModelCatalog,
  NodeCatalog,
  Outputs,
  Prompt,
  TerminalState,
} from "@rabbitloom/protocol";
import type { FileNumbers } from "./file-numbers.ts";
import type { GivenTurn } from "./turns.ts";
import type { NewWebhook } from "./webhooks.ts";

export interface FleetCatalog {
  readonly nodes: NodeCatalog;
  readonly models: ModelCatalog;
}

export interface NewJob {
  readonly message: JobMessage & { readonly jobId: string };
  /** ComfyUI's queue number where the client chose one; `front` puts the job before all others. */
  readonly number?: number;
  readonly front?: boolean;
  /** Throws QUEUE_FULL where the tenant has so many jobs waiting. @default no limit */
  readonly maxPending?: number | undefined;
  /** Throws QUEUE_FULL where the tenant's waiting jobs would have more bytes together. @default no limit */
  readonly maxPendingBytes?: number | undefined;
  /** It goes to its tenant's own queue, and waits for its turn there. @default false */
  readonly inOwnQueue?: boolean;
  /** Whom to tell how it goes. */
  readonly webhook?: NewWebhook | undefined;
  /** Where it sends its events to; kept with the record. */
  readonly reply?: ReplyAddress;
}

export interface SubmittedRecord {
  readonly number: number;
  /** The tenant's own queue is being deleted, so that the job has to go to the lane. */
  readonly isQueueClosing: boolean;
  /** An earlier job of this id, which is forgotten, has left a stream of its events. */
  readonly hasOldStream: boolean;
}

export interface ClaimRequest {
  readonly message: JobMessage & { readonly jobId: string };
  readonly workerId: string;
  /**
   * The broker delivers this message for the first time. Where another worker runs the job, it is then a second
   * message of the same id, not the word that the worker has died. @default false
   */
  readonly isFirstDelivery?: boolean;
  /** Unique to the delivery: the same claim again, whose answer was lost, is known by it. */
  readonly token?: string;
  /** By which the job was taken: used up by a claim, given back by every other answer. */
  readonly turn?: Pick<GivenTurn, "tenant" | "token" | "before"> | undefined;
  /** Where a job without a record wants its events sent to; kept with the record that the claim makes. */
  readonly reply?: ReplyAddress;
}

export interface ReplyAddress {
  readonly to: string;
  readonly correlationId?: string | undefined;
}

/** A job that ended without running: the numbers of its last event, whose seq is 1. */
export interface EndedUnrun {
  readonly jobId: string;
  readonly attempt: number;
  readonly gatewayId?: string;
  /** Where its sender hears of it, as its record has it. */
  readonly reply?: ReplyAddress;
  readonly error: JobError;
}

/** An end that no attempt has committed. */
export interface UncommittedEnd extends EndedUnrun {
  readonly state: TerminalState;
}

export interface RunningAttempt {
  readonly jobId: string;
  readonly attempt: number;
  /** By Redis's clock; only good for being compared with itself. */
  readonly aliveAt: string;
}

export interface WaitingLook {
  /** Where the last look ended. @default the first one begins */
  readonly from?: string | undefined;
  /** Tenants have queues of their own: a job can only be passed by its tenant's. @default false */
  readonly hasOwnQueues?: boolean;
}

export interface WaitingJob {
  readonly jobId: string;
  readonly number: number;
  readonly attempt: number;
  readonly lane: string;
  readonly pool: string;
  readonly tenant: string;
  /** A job that was published after it has been taken from the same queue: its message is gone, or on its way. */
  readonly isPassed: boolean;
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
  /** Another tenant's job has this id: the message is not to be run, and nothing is to be said under the id. */
  | { readonly type: "foreign" }
  /**
   * Its attempt is alive, here or elsewhere: the broker took the message back because a connection was lost or an
   * acknowledgement took too long. The delivery is the attempt's now: to be held until that has ended.
   */
  | { readonly type: "busy" }
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
      readonly reply?: ReplyAddress;
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
  readonly reply?: ReplyAddress;
}

export interface JobRecord extends JobView {
  readonly number: number;
  readonly prompt: Prompt;
  readonly extraData: ExtraData;
  readonly targets?: string[];
  readonly limits?: JobLimits | undefined;
  readonly reply?: ReplyAddress;
  readonly gatewayId?: string;
  /** As the message has it. */
  readonly submission?: string;
  /** Its terminal event is known to be out. */
  readonly isAnnounced: boolean;
  readonly history?: Readonly<Record<string, unknown>>;
}

export interface JobFilter {
  readonly states?: readonly JobState[];
  /** Only jobs that have all of them. */
  readonly tags?: readonly string[] | undefined;
  readonly limit?: number;
  readonly offset?: number;
}
