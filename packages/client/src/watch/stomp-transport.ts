import { CodedError, decodeEvents, type JobEvent, type WatchTicket } from "@rabbitloom/protocol";
import { Client, type IMessage, type IStompSocket } from "@stomp/stompjs";
import { type PushQueue, pushQueue } from "../push-queue.ts";
import { setBodiesAside } from "./body-aside.ts";
import type { Transport } from "./transport.ts";

/** A browser's WebSocket, or the class that the package `ws` exports. */
export type WebSocketConstructor = new (url: string, protocols: string[]) => IStompSocket;

export interface StompTransportOptions {
  /** A fresh ticket: one is valid for minutes and for one CONNECT. */
  readonly ticket: (signal: AbortSignal | undefined) => Promise<WatchTicket>;
  readonly WebSocket: WebSocketConstructor;
  /** From opening the socket to the CONNECTED frame. */
  readonly connectTimeoutMs: number;
}

/** Newest first; what the WebSocket handshake offers. */
const SUBPROTOCOLS = ["v12.stomp", "v11.stomp", "v10.stomp"];
/** Both ways; two missed ones close the socket. */
const HEARTBEAT_MS = 10_000;

/**
 * Reads the job's stream over Web-STOMP. The first connection begins where the ticket says, at the
 * stream's first message; each later one at the last message that was taken, which comes once more.
 */
export function stompTransport({
  ticket,
  WebSocket,
  connectTimeoutMs,
}: StompTransportOptions): Transport {
  let offset: string | undefined;

  return {
    async *connect({ quietMs, signal }) {
      const current = await ticket(signal);
      const subscription = subscribe(current, { WebSocket, offset });
      const acknowledge = acknowledgement(current);
      try {
        await subscription.connected(connectTimeoutMs, signal);
        for (;;) {
          const taken = await subscription.messages.take({ quietMs, ...(signal && { signal }) });
          if (taken === "ended") return;
          if (taken === "quiet") {
            acknowledge.rest();
            yield "quiet";
            continue;
          }
          const { item } = taken;
          yield { events: eventsOf(item), taken: () => acknowledge.taken(item.message) };
          offset = item.message.headers["x-stream-offset"] ?? offset;
        }
      } finally {
        subscription.close();
      }
    },
  };
}

interface Arrived {
  readonly message: IMessage;
  readonly body: Uint8Array;
}

/**
 * One ACK says that a message and all before it were taken. One for each was a third of the broker's work for a
 * watcher; one for a quarter of what may be on its way never lets that run dry.
 */
function acknowledgement({ headers }: WatchTicket) {
  const every = Math.max(1, Math.floor(Number(headers["prefetch-count"] ?? 1) / 4));
  let last: IMessage | undefined;
  let untold = 0;
  const tell = () => {
    last?.ack();
    last = undefined;
    untold = 0;
  };
  return {
    taken(message: IMessage) {
      last = message;
      untold += 1;
      if (untold >= every) tell();
    },
    /** The broker gives readers up that owe it an answer for hours. */
    rest: tell,
  };
}

/** A message that cannot be read is left out here; the numbers that it held are then announced as a gap. */
function eventsOf({ message: { headers }, body }: Arrived): readonly JobEvent[] {
  try {
    return decodeEvents({
      contentType: headers["content-type"],
      type: headers.type,
      headers,
      text: () => new TextDecoder().decode(body),
      bytes: () => body,
    });
  } catch {
    return [];
  }
}

interface Subscription {
  readonly messages: PushQueue<Arrived>;
  /** Settles when the broker has accepted the CONNECT; rejects when the socket closed before that. */
  connected(timeoutMs: number, signal: AbortSignal | undefined): Promise<void>;
  close(): void;
}

function subscribe(
  { url, host, login, passcode, destination, headers }: WatchTicket,
  { WebSocket, offset }: { WebSocket: WebSocketConstructor; offset: string | undefined },
): Subscription {
  const messages = pushQueue<Arrived>();
  const handshake = pushQueue<"connected">();
  let refusal = "the socket closed";

  const socket = openSocket(WebSocket, url);
  const client = new Client({
    webSocketFactory: () => socket,
    connectHeaders: { host, login, passcode },
    reconnectDelay: 0,
    heartbeatIncoming: HEARTBEAT_MS,
    heartbeatOutgoing: HEARTBEAT_MS,
    discardWebsocketOnCommFailure: true,
    onConnect: () => {
      handshake.push("connected");
      const bodies = setBodiesAside(socket);
      const onMessage = (message: IMessage) =>
        messages.push({ message, body: bodies.current ?? message.binaryBody });
      client.subscribe(destination, onMessage, {
        ...headers,
        ack: "client",
        ...(offset !== undefined && { "x-stream-offset": `offset=${offset}` }),
      });
    },
    onStompError: (frame) => {
      refusal = frame.headers.message ?? "the broker sent an ERROR frame";
      // "Server cancelled subscription" leaves the socket open: rabbitmq-server#2410.
      void client.deactivate({ force: true });
    },
    onWebSocketClose: () => {
      messages.end();
      handshake.fail(notConnected(url, refusal));
    },
  });
  client.activate();

  return {
    messages,
    async connected(timeoutMs, signal) {
      const first = await handshake.take({ quietMs: timeoutMs, ...(signal && { signal }) });
      if (typeof first === "string") throw notConnected(url, `no answer in ${timeoutMs} ms`);
    },
    close: () => void client.deactivate({ force: true }),
  };
}

function openSocket(WebSocket: WebSocketConstructor, url: string): IStompSocket {
  try {
    return new WebSocket(url, SUBPROTOCOLS);
  } catch (cause) {
    throw notConnected(url, String(cause), cause);
  }
}

function notConnected(url: string, reason: string, cause?: unknown): CodedError {
  return new CodedError("CONNECTION_LOST", `STOMP at ${url}: ${reason}`, { cause });
}
