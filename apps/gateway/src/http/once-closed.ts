import type { ServerResponse } from "node:http";
import type { FastifyReply } from "fastify";

/** Calls when the answer is out or its client has gone: at once where that was before, for the event comes only once. */
export function onceClosed(raw: ServerResponse, listener: () => void): void {
  if (raw.destroyed) listener();
  else raw.once("close", listener);
}

/** Aborts when the client goes away before it was answered. */
export function disconnection({ raw }: FastifyReply): AbortController {
  const gone = new AbortController();
  onceClosed(raw, () => {
    if (!raw.writableFinished) gone.abort();
  });
  return gone;
}
