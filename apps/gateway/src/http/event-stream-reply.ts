import { PassThrough } from "node:stream";
import type { FastifyReply } from "fastify";
import { onceClosed } from "./once-closed.ts";

/** Where Server-Sent Events are written to. */
export interface EventSink {
  /** Resolves when the reader has room for more. */
  write(text: string): Promise<void>;
  /** Aborts when the reader goes away. */
  readonly signal: AbortSignal;
}

/** Proxies and browsers give up a silent connection after a minute or so. */
const HEARTBEAT_MS = 15_000;

/**
 * Answers with Server-Sent Events: whatever `tell` writes until it resolves. An error ends the stream early, and
 * readers come again with the last id they saw.
 */
export function sendEventStream(
  reply: FastifyReply,
  tell: (sink: EventSink) => Promise<void>,
): FastifyReply {
  const body = new PassThrough();
  const gone = new AbortController();
  const heartbeat = setInterval(() => body.write(": still here\n\n"), HEARTBEAT_MS);
  onceClosed(reply.raw, () => gone.abort());
  const sink: EventSink = {
    signal: gone.signal,
    async write(text) {
      if (!body.destroyed && !body.write(text)) await drained(body);
    },
  };
  // Something at once, so that clients see the headers before the first event comes.
  body.write(": events follow\n\n");
  tell(sink)
    .catch((error: unknown) => {
      if (!gone.signal.aborted) reply.log.warn({ err: error }, "event stream ended early");
    })
    .finally(() => {
      clearInterval(heartbeat);
      body.end();
    });
  return reply
    .header("content-type", "text/event-stream; charset=utf-8")
    .header("cache-control", "no-cache")
    .header("x-accel-buffering", "no")
    .send(body);
}

function drained(body: PassThrough): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      body.off("drain", done);
      body.off("close", done);
      resolve();
    };
    body.on("drain", done);
    body.on("close", done);
  });
}
