import type { FastifyInstance } from "fastify";
import { WebSocket } from "ws";
import type { Connections } from "../auth/connections.ts";
import { openStomp } from "../health/operations.ts";
import { operation } from "../openapi/operation.ts";
import { isTicket, readConnectFrame, type TicketFacts, ticketFacts } from "./connect-frame.ts";

export interface StompProxyOptions {
  /** The broker's Web-STOMP endpoint. */
  readonly stompUrl: string;
  readonly connections: Connections;
  /** Whether the job and the key that a ticket was given for are still there. */
  readonly isGood: (ticket: { jobId: string; keyId: string | undefined }) => Promise<boolean>;
  /** @default 10_000 */
  readonly connectMs?: number;
}

/** A ticket takes some 800 bytes; the broker itself would take 20 MB before it asks who is there. */
const MAX_CONNECT_BYTES = 16_384;
/** Bytes on their way to one side above which the other is not read. */
const HIGH_WATER_BYTES = 1_048_576;

/**
 * `/stomp`: passes WebSocket messages between a watcher and the broker, once the watcher has shown a ticket. The
 * broker judges the ticket; here only its shape is looked at, so that nothing but tickets gets to the broker.
 */
export function stompProxy(
  app: FastifyInstance,
  { stompUrl, connections, isGood, connectMs = 10_000 }: StompProxyOptions,
): void {
  app.get("/stomp", { websocket: true, ...operation(openStomp, "public") }, (client, request) => {
    let upstream: WebSocket | undefined;
    const late = setTimeout(() => client.close(1008, "no CONNECT frame came in time"), connectMs);
    const end = () => {
      clearTimeout(late);
      client.terminate();
      upstream?.terminate();
    };
    client.on("error", end);
    client.on("close", () => {
      clearTimeout(late);
      upstream?.close();
    });
    client.once("message", (first) => {
      const bytes = bufferOf(first);
      const frame =
        bytes.byteLength <= MAX_CONNECT_BYTES
          ? readConnectFrame(bytes.toString("utf8"))
          : undefined;
      const ticket = frame !== undefined && isTicket(frame) ? ticketFacts(frame) : undefined;
      if (ticket === undefined) {
        clearTimeout(late);
        client.close(1008, "expected a CONNECT frame with a ticket's login and passcode");
        return;
      }
      // A ticket cannot be taken back from the broker, which knows signatures only; here it can.
      client.pause();
      isGood(ticket)
        .catch((error: unknown) => {
          request.log.warn({ err: error }, "a ticket could not be checked");
          return false;
        })
        .then((good) => {
          client.resume();
          if (good) connect(bytes, ticket);
          else client.close(1008, "the ticket's job or key is gone");
        })
        .catch((error: unknown) => request.log.error({ err: error }, "connecting failed"));
    });

    function connect(bytes: Buffer, { keyId, endsAt }: TicketFacts): void {
      if (client.readyState !== WebSocket.OPEN) return;
      const connection = connections.add({
        keyId,
        expiresAt: endsAt,
        close: (reason) => client.close(1008, reason),
      });
      client.on("close", () => connection[Symbol.dispose]());
      upstream = new WebSocket(stompUrl, client.protocol === "" ? [] : [client.protocol], {
        perMessageDeflate: false,
        handshakeTimeout: connectMs,
      });
      join(client, upstream, bytes);
      upstream.once("message", (data) => {
        clearTimeout(late);
        // The broker says ERROR to a ticket it refuses, and then keeps the socket open.
        const isWelcome = bufferOf(data).subarray(0, 9).toString("latin1") === "CONNECTED";
        if (!isWelcome) client.close(1008, "the broker refused the ticket");
      });
      upstream.on("error", (error) => {
        request.log.warn({ err: error }, "the broker's STOMP endpoint failed");
        clearTimeout(late);
        client.close(1013, "the broker cannot be reached");
      });
    }
  });
}

function join(client: WebSocket, upstream: WebSocket, first: Buffer): void {
  // What came in the same breath as CONNECT waits here until the broker is there to take it.
  const early: Buffer[] = [first];
  const keep = (data: WebSocket.RawData) => early.push(bufferOf(data));
  client.on("message", keep);
  client.pause();
  upstream.once("open", () => {
    client.off("message", keep);
    for (const bytes of early) upstream.send(bytes, { binary: false });
    pass(client, upstream);
    client.resume();
  });
  pass(upstream, client);
  upstream.on("close", (code, reason) => client.close(sendableCode(code), reason));
}

/** Stops reading one side while the other is slow, so that nothing piles up here. */
function pass(from: WebSocket, to: WebSocket): void {
  from.on("message", (data, isBinary) => {
    if (to.readyState !== WebSocket.OPEN) return;
    to.send(data, { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount < HIGH_WATER_BYTES) from.resume();
    });
    if (to.bufferedAmount >= HIGH_WATER_BYTES) from.pause();
  });
}

/** 1005 and 1006 only say that the other side gave no code: they may not be sent. */
function sendableCode(code: number): number {
  return code === 1000 ||
    (code >= 1001 && code <= 1014 && ![1004, 1005, 1006].includes(code)) ||
    code >= 3000
    ? code
    : 1011;
}

function bufferOf(data: WebSocket.RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
