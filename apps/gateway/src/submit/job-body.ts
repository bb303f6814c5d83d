import {
  CodedError,
  JOB_DEPTH,
  type JobMessage,
  jobMessageSchema,
  MOST_JOB_BYTES,
  stringifyJson,
} from "@rabbitloom/protocol";

/**
 * A job's message as it goes on the wire. Throws INVALID_REQUEST or LIMIT_EXCEEDED for one that workers would not read: it
 * would be a dead letter, and its record would wait for ever.
 */
export function jobBody(message: JobMessage): string {
  const checked = jobMessageSchema.safeParse(message);
  const [issue] = checked.error?.issues ?? [];
  if (issue !== undefined) {
    const where = issue.path.map(String).join(".") || "(whole)";
    throw new CodedError("INVALID_REQUEST", `job: ${where}: ${issue.message}`);
  }
  const body = write(message);
  const sizeBytes = Buffer.byteLength(body);
  if (sizeBytes > MOST_JOB_BYTES) throw tooLarge(`${sizeBytes}`);
  return body;
}

function write(message: JobMessage): string {
  try {
    return stringifyJson(message, { maxDepth: JOB_DEPTH, maxLength: MOST_JOB_BYTES });
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    if (cause.message.includes("characters")) throw tooLarge(`more than ${MOST_JOB_BYTES}`);
    throw new CodedError(
      "INVALID_REQUEST",
      `job: the message with the prompt, and the editor's file where it is one, may nest ${JOB_DEPTH} levels deep, and nests deeper`,
      { cause },
    );
  }
}

function tooLarge(got: string): CodedError {
  return new CodedError(
    "LIMIT_EXCEEDED",
    `job: the message with the prompt, and the editor's file where it is one, may have ${MOST_JOB_BYTES} bytes, got ${got}`,
  );
}
