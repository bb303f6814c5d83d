import { type Context, createContext, runInContext } from "node:vm";
import { CodedError } from "@rabbitloom/protocol";
import { type PythonFlags, pythonRegExp } from "./python-regex.ts";

export interface MatchRequest {
  /** Of Python's `re`. */
  readonly pattern: string;
  readonly flags: PythonFlags;
  readonly text: string;
  /** So many from the start. @default all, which may be 100,000 at most */
  readonly count?: number;
}

/** Some patterns take time that doubles with each letter of a text; a useful one takes microseconds. */
const LIMIT_MS = 1_000;
const MOST_MATCHES = 100_000;
const LONGEST_PATTERN = 10_000;

/**
 * Matches of a pattern that a workflow brought. They are looked for under V8's watchdog, which also looks in while a regular
 * expression backtracks: nothing else on this thread could. Throws SyntaxError for no pattern, LIMIT_EXCEEDED for one that
 * takes too long or matches too often.
 */
export function boundedMatches(request: MatchRequest): readonly RegExpExecArray[] {
  if (request.pattern.length > LONGEST_PATTERN) {
    throw new CodedError(
      "LIMIT_EXCEEDED",
      `the pattern has ${request.pattern.length} characters: at most ${LONGEST_PATTERN} are taken`,
    );
  }
  const found: RegExpExecArray[] = [];
  watched ??= createContext({});
  const room = watched;
  room.find = () => find(request, found);
  try {
    runInContext("find()", room, { timeout: LIMIT_MS });
  } catch (cause) {
    if (!isTimeout(cause)) throw cause;
    throw new CodedError(
      "LIMIT_EXCEEDED",
      `the pattern ${JSON.stringify(request.pattern.slice(0, 100))} was still being matched after ${LIMIT_MS} ms`,
      { cause },
    );
  } finally {
    room.find = undefined;
  }
  return found;
}

/** Made once: a context takes a millisecond. Only the call above runs in it, nothing of a workflow's. */
let watched: Context | undefined;

function find({ pattern, flags, text, count }: MatchRequest, found: RegExpExecArray[]): void {
  for (const match of text.matchAll(pythonRegExp(pattern, flags))) {
    if (found.length >= MOST_MATCHES) {
      throw new CodedError("LIMIT_EXCEEDED", `the pattern matches more than ${MOST_MATCHES} times`);
    }
    found.push(match);
    if (found.length === count) return;
  }
}

/** The error is of the context's own realm: no instance of this one's Error. */
function isTimeout(cause: unknown): boolean {
  return (
    typeof cause === "object" &&
    cause !== null &&
    "code" in cause &&
    cause.code === "ERR_SCRIPT_EXECUTION_TIMEOUT"
  );
}
