import { CodedError } from "./errors.ts";

/** Where a reader is in a job's log. */
export interface Cursor {
  readonly attempt: number;
  readonly seq: number;
}

/**
 * The one text form of a cursor, in SSE `id:`, `Last-Event-ID` and `?after=`: `"17"` is event 17 of the
 * first attempt, `"2.17"` that of the second. A fenced attempt's numbers can so never be taken for
 * those of the next one.
 */
export function formatCursor({ attempt, seq }: Cursor): string {
  return attempt <= 1 ? String(seq) : `${attempt}.${seq}`;
}

/** Reads a cursor. Throws INVALID_REQUEST for anything else than its two forms. */
export function parseCursor(text: string): Cursor {
  const match = /^(?:(\d{1,9})\.)?(\d{1,15})$/.exec(text.trim());
  if (!match?.[2]) {
    throw new CodedError(
      "INVALID_REQUEST",
      `cursor: expected "17" or "2.17", got ${JSON.stringify(text)}`,
    );
  }
  return { attempt: Number(match[1] ?? 1), seq: Number(match[2]) };
}

/** True where `event` comes after `cursor`. */
export function isAfter(event: Cursor, cursor: Cursor): boolean {
  return (
    event.attempt > cursor.attempt || (event.attempt === cursor.attempt && event.seq > cursor.seq)
  );
}
