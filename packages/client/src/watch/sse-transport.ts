import {
  CodedError,
  decodeEvent,
  formatCursor,
  type JobEvent,
  parseJson,
  previewFactsSchema,
  WRITTEN_DEPTH,
} from "@rabbitloom/protocol";
import * as z from "zod";
import type { Http } from "../http/http.ts";
import { pushQueue } from "../push-queue.ts";
import { parseServerSentEvents } from "./sse-parser.ts";
import type { Delivery, Transport } from "./transport.ts";

/** Reads the job's events from the gateway, for where a WebSocket cannot be had. */
export function sseTransport(http: Http, jobId: string): Transport {
  return {
    async *connect({ position, quietMs, signal }) {
      const closing = new AbortController();
      const response = await http.send(`/api/v1/jobs/${jobId}/events`, {
        headers: {
          accept: "text/event-stream",
          ...(position.seq > 0 && { "last-event-id": formatCursor(position) }),
        },
        signal: signal ? AbortSignal.any([signal, closing.signal]) : closing.signal,
      });
      if (!response.body) throw new CodedError("CONNECTION_LOST", "event stream: no body came");

      const messages = pushQueue<string>();
      void pump(response.body, messages.push).then(messages.end, messages.end);
      try {
        for (;;) {
          const taken = await messages.take({ quietMs, ...(signal && { signal }) });
          if (taken === "ended") return;
          yield taken === "quiet" ? "quiet" : deliveryOf(taken.item);
        }
      } finally {
        closing.abort();
      }
    },
  };
}

async function pump(body: ReadableStream<Uint8Array>, push: (data: string) => void): Promise<void> {
  for await (const { data } of parseServerSentEvents(body)) push(data);
}

function deliveryOf(data: string): Delivery {
  return { events: eventsOf(data), taken: () => undefined };
}

const previewInJsonSchema = previewFactsSchema.extend({ image: z.base64() });

/** As over STOMP, what cannot be read is left out and shows as a gap. */
function eventsOf(data: string): readonly JobEvent[] {
  try {
    const value = parseJson(data, { maxDepth: WRITTEN_DEPTH });
    const preview = previewInJsonSchema.safeParse(value);
    if (preview.success) return [{ ...preview.data, image: bytesOf(preview.data.image) }];
    const event = decodeEvent(value);
    return event ? [event] : [];
  } catch {
    return [];
  }
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
