import {
  type Cursor,
  formatCursor,
  isAfter,
  type JobEvent,
  type JsonEvent,
} from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import type { StreamedEvents } from "../amqp/ports.ts";

export interface EventStreamOptions {
  readonly source: AsyncIterable<StreamedEvents>;
  /** The last event the reader has seen. */
  readonly after: Cursor | undefined;
  readonly withPreviews: boolean;
}

/**
 * A job's events as Server-Sent Events, each once and in order, up to its last. What is no longer held is announced
 * by a `job-gap`, never skipped in silence.
 */
export async function* eventStream(options: EventStreamOptions): AsyncGenerator<string> {
  const { source, after, withPreviews } = options;
  let last: Cursor = after ?? { attempt: 0, seq: 0 };
  for await (const { events } of source) {
    for (const event of events) {
      if (!isNews(event, last)) continue;
      const gap = gapBefore(event, last);
      if (gap !== undefined) yield serverSentEvent(gap);
      last = { attempt: event.attempt, seq: event.seq };
      if (event.type !== "node-preview") yield serverSentEvent(event);
      else if (withPreviews) yield serverSentEvent(event);
      if (event.type === "job-end") return;
    }
  }
}

/** An end may be made up from the record, whose number lags: only a later attempt is a reason to drop it. */
function isNews(event: JobEvent, last: Cursor): boolean {
  if (event.type === "job-end") return event.attempt >= last.attempt;
  return isAfter(event, last);
}

/**
 * The events missing between the last one and this one. A later attempt begins anew at 1; the number of an end that a
 * cancellation said is 1 too.
 */
function gapBefore(event: JobEvent, last: Cursor): JsonEvent | undefined {
  const expected = event.attempt === last.attempt ? last.seq + 1 : 1;
  if (event.seq <= expected) return undefined;
  const { v, jobId, attempt, seq, at } = event;
  return { v, jobId, attempt, seq: seq - 1, at, type: "job-gap", from: expected, to: seq - 1 };
}

function serverSentEvent(event: JobEvent): string {
  const { type } = event;
  const id = formatCursor(event);
  const data = stringifyJson(type === "node-preview" ? withImageText(event) : event);
  return `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`;
}

/** Server-Sent Events are text: the picture goes as base64. */
function withImageText<Event extends { readonly image: Uint8Array }>(event: Event) {
  return { ...event, image: Buffer.from(event.image).toString("base64") };
}
