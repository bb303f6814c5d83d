/**
 * Every error code, whether trying the same thing again may help, and one sentence for people.
 * Codes are public: they are never renamed. `docs/errors.md` is generated from this table.
 */
export const errorCodes = {
  INVALID_JSON: { retryable: false, summary: "The body is not JSON." },
  INVALID_REQUEST: { retryable: false, summary: "The request does not have the expected shape." },
  UNSUPPORTED_MEDIA_TYPE: {
    retryable: false,
    summary: "The body's content type is not accepted here.",
  },
  NOT_ACCEPTABLE: { retryable: false, summary: "None of the types asked for can be answered." },
  PAYLOAD_TOO_LARGE: { retryable: false, summary: "The body is over the size limit." },
  UNAUTHORIZED: { retryable: false, summary: "No valid credentials came with the request." },
  FORBIDDEN: { retryable: false, summary: "These credentials do not allow this." },
  NOT_FOUND: { retryable: false, summary: "There is nothing under this name." },
  JOB_EXPIRED: { retryable: false, summary: "The job existed; its record is no longer kept." },
  CONFLICT: { retryable: false, summary: "The job or key is in a state that does not allow this." },
  IDEMPOTENCY_IN_FLIGHT: {
    retryable: true,
    summary: "The first request with this idempotency key is not answered yet.",
  },
  IDEMPOTENCY_KEY_REUSED: {
    retryable: false,
    summary: "The idempotency key was used for another request.",
  },
  INVALID_PROMPT: { retryable: false, summary: "The workflow is not a graph of known nodes." },
  VALIDATION_FAILED: { retryable: false, summary: "An input of a node is missing or wrong." },
  WORKFLOW_NOT_CONVERTIBLE: {
    retryable: false,
    summary: "A workflow saved by the editor could not be turned into a prompt.",
  },
  FILE_MISSING: { retryable: false, summary: "A node names an input file that is not there." },
  FILE_REFUSED: { retryable: false, summary: "A file name leaves its folder or is not allowed." },
  IMAGE_TOO_LARGE: { retryable: false, summary: "A picture has more pixels than the limit." },
  IMAGE_UNREADABLE: { retryable: false, summary: "A file is not a picture that can be decoded." },
  NODE_TYPE_MISSING: { retryable: true, summary: "This worker does not have the node class." },
  NODE_FAILED: { retryable: false, summary: "A node threw while it ran." },
  GRAPH_CYCLE: { retryable: false, summary: "Nodes of the graph wait for each other." },
  LIMIT_EXCEEDED: { retryable: false, summary: "The graph or its expansion is over a limit." },
  MODEL_MISSING: { retryable: true, summary: "This worker does not have the model file." },
  MODEL_INVALID: {
    retryable: false,
    summary: "A model file is damaged, incomplete or of another kind.",
  },
  DEVICE_OUT_OF_MEMORY: {
    retryable: true,
    summary: "The device has too little memory for the job.",
  },
  ENGINE_CRASHED: { retryable: true, summary: "The engine's process ended while it ran the job." },
  ENGINE_STUCK: { retryable: true, summary: "The engine did not stop in time and was killed." },
  JOB_CANCELLED: { retryable: false, summary: "The job was cancelled." },
  JOB_DEAD: { retryable: false, summary: "The job was given up after too many attempts." },
  QUEUE_DEADLINE: { retryable: false, summary: "The job was not started before its deadline." },
  RUN_DEADLINE: { retryable: false, summary: "The job ran longer than it may." },
  SILENCE_LIMIT: { retryable: true, summary: "The job reported nothing for too long." },
  WORKER_DRAINING: {
    retryable: true,
    summary: "The worker is shutting down and hands its job back.",
  },
  WORKFLOW_FORMAT: {
    retryable: false,
    summary: "The workflow is the editor's own file; this route takes the API form.",
  },
  ASSET_MISSING: { retryable: false, summary: "A workflow names an asset that is not there." },
  BLOB_MISSING: { retryable: false, summary: "No asset has the bytes that a hash names." },
  HASH_MISMATCH: { retryable: false, summary: "The bytes are not those that a hash promised." },
  OUTPUT_UNAVAILABLE: { retryable: false, summary: "A job's output is no longer in its folder." },
  TOO_MANY_STREAMS: { retryable: true, summary: "Too many readers follow events at once." },
  QUEUE_FULL: { retryable: true, summary: "The queue holds as many jobs as it may." },
  RATE_LIMITED: { retryable: true, summary: "Too many requests came in too short a time." },
  BROKER_UNAVAILABLE: {
    retryable: true,
    summary: "RabbitMQ cannot be reached or does not confirm.",
  },
  STORE_UNAVAILABLE: { retryable: true, summary: "Redis cannot be reached." },
  NO_WORKER: { retryable: true, summary: "No worker has announced its nodes yet." },
  CONNECTION_LOST: { retryable: true, summary: "The connection ended before the answer came." },
  INTERNAL: { retryable: true, summary: "Something failed that should not have." },
} as const satisfies Record<string, { retryable: boolean; summary: string }>;

export type ErrorCode = keyof typeof errorCodes;

export interface RetryPolicy {
  /** Failed attempts after which the job is given up is one more than this. The broker's delivery limit stands above it. */
  readonly most: number;
  /** First wait, in units of the worker's RETRY_SECONDS; each later one is twice as long. */
  readonly pause: number;
}

/**
 * How often a job is run again whose attempt failed with a retryable code. Another worker may have what this one
 * lacks, so those wait longer; what takes minutes to fail is tried twice only.
 */
const retryPolicies: Partial<Readonly<Record<ErrorCode, RetryPolicy>>> = {
  NODE_TYPE_MISSING: { most: 3, pause: 5 },
  MODEL_MISSING: { most: 3, pause: 5 },
  DEVICE_OUT_OF_MEMORY: { most: 3, pause: 5 },
  ENGINE_STUCK: { most: 1, pause: 1 },
  SILENCE_LIMIT: { most: 1, pause: 1 },
};
const USUAL_POLICY: RetryPolicy = { most: 3, pause: 1 };

/** Undefined where running the job again would not help. */
export function retryPolicy(code: string): RetryPolicy | undefined {
  if (!isErrorCode(code) || !errorCodes[code].retryable) return undefined;
  return retryPolicies[code] ?? USUAL_POLICY;
}

/** Tells a code of the table from any other text. */
export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === "string" && Object.hasOwn(errorCodes, value);
}

export interface CodedErrorOptions extends ErrorOptions {
  /** Facts for machines beside the message: plain JSON. */
  readonly details?: Readonly<Record<string, unknown>>;
  /** False where this failure is for good although others of its code are not. @default what its code says */
  readonly isRetryable?: boolean;
}

/** The one error class of the project. Across packages compare `code`, never `instanceof`. */
export class CodedError extends Error {
  override readonly name = "CodedError";
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;
  readonly isRetryable: boolean;

  constructor(code: ErrorCode, message: string, options: CodedErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.details = options.details ?? {};
    this.isRetryable = errorCodes[code].retryable && options.isRetryable !== false;
  }

  /** Makes a CodedError of whatever was thrown; one that is coded already comes back as it is. */
  static from(cause: unknown, code: ErrorCode = "INTERNAL"): CodedError {
    if (isCodedError(cause)) return cause;
    return new CodedError(code, cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

/** True for a CodedError of any copy of this package. */
export function isCodedError(value: unknown): value is CodedError {
  return value instanceof Error && "code" in value && isErrorCode(value.code);
}
