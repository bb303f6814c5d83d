import type { JobState } from "@rabbitloom/protocol";

/** What a run saw from outside, in plain data: the verdict needs nothing else. */
export interface History {
  readonly jobs: readonly JobHistory[];
  /** Counters before the first job and after the last one, when everything was swept. */
  readonly before: Resources;
  readonly after: Resources;
}

export interface JobHistory {
  readonly id: string;
  /** `unknown`: the connection broke, or the answer leaves open whether the job was taken. */
  readonly answer: "accepted" | "refused" | "unknown";
  /** What its output has to say; no other job's is the same. */
  readonly expected: string;
  /** What a waiting client was told, where one waited. */
  readonly answered?: string;
  readonly isCancelAsked: boolean;
  /** From the first time that it was submitted until its end was said. */
  readonly tookMs?: number;
  /** From then until its client had an answer, or gave up asking. */
  readonly answeredMs?: number;
  readonly lane?: string;
  /** As the fleet remembers it in the end. */
  readonly record?: FinalRecord;
  /** Every event as it was published, repetitions included. */
  readonly events: readonly SaidEvent[];
  /** The job's stream from its first message on, where the job was watched. */
  readonly stream?: readonly SaidEvent[];
  /** Files of the job on disk in the end; only of jobs that save one. */
  readonly files?: readonly string[];
}

export interface FinalRecord {
  readonly state: JobState;
  readonly attempt: number;
  readonly said?: string;
  readonly files: readonly string[];
  readonly code?: string;
}

export interface SaidEvent {
  readonly attempt: number;
  readonly seq: number;
  readonly type: string;
  /** Of a job-end. */
  readonly state?: JobState;
  readonly said?: string;
}

/** Numbers by name: what is there. Names that end in `Bytes` or `Descriptors` are allowed to breathe. */
export type Resources = Readonly<Record<string, number>>;
