/** A WebSocket server that speaks as much STOMP as RabbitMQ does for streams, with its ways of refusing. */
import { once } from "node:events";
import type { WireMessage } from "@rabbitloom/protocol";
import { type WebSocket, WebSocketServer } from "ws";

export interface StompServer extends AsyncDisposable {
  readonly url: string;
  /** Headers of every SUBSCRIBE frame, in order. */
  readonly subscriptions: Readonly<Record<string, string>>[];
  /** Offsets that were acknowledged, in order. */
  readonly acknowledged: number[];
  /** Frames of these commands that came in. */
  readonly passcodes: string[];
  readonly openSockets: number;
  publish(message: WireMessage): void;
  /** Closes every socket as RabbitMQ does when a channel dies: without an ERROR frame. */
  drop(): void;
  /** What deleting a queue does to its subscribers: an ERROR frame on a socket that stays open. */
  cancelSubscriptions(): void;
  /** The next `count` subscriptions are refused: the socket is closed, nothing is said. */
  refuseSubscriptions(count: number): void;
  /** The next `count` CONNECTs get an ERROR frame. */
  refuseConnects(count: number): void;
}

interface Session {
  readonly socket: WebSocket;
  prefetch: number;
  /** `ack: client`: one ACK counts for all before it. */
  isCumulative: boolean;
  unacknowledged: Set<number>;
  next: number;
  id: string;
}

export async function startStompServer(): Promise<StompServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");

  const stream: WireMessage[] = [];
  const sessions = new Set<Session>();
  const subscriptions: Record<string, string>[] = [];
  const acknowledged: number[] = [];
  const passcodes: string[] = [];
  let refusedSubscriptions = 0;
  let refusedConnects = 0;

  const deliver = (session: Session) => {
    while (session.unacknowledged.size < session.prefetch && session.next < stream.length) {
      const offset = session.next++;
      const message = stream[offset];
      if (!message) return;
      session.unacknowledged.add(offset);
      session.socket.send(messageFrame(message, offset, session.id));
    }
  };

  server.on("connection", (socket) => {
    const session: Session = {
      socket,
      prefetch: 0,
      isCumulative: false,
      unacknowledged: new Set(),
      next: 0,
      id: "",
    };
    sessions.add(session);
    socket.on("close", () => sessions.delete(session));
    socket.on("message", (data) => {
      const frame = parseFrame(String(data));
      if (!frame) return;
      const { command, headers } = frame;
      if (command === "CONNECT") {
        passcodes.push(headers.passcode ?? "");
        if (refusedConnects-- > 0) {
          socket.send("ERROR\nmessage:Bad CONNECT\n\nAccess refused\0");
          socket.close(1000);
          return;
        }
        socket.send("CONNECTED\nversion:1.2\nheart-beat:0,0\n\n\0");
      }
      if (command === "SUBSCRIBE") {
        subscriptions.push(headers);
        if (refusedSubscriptions-- > 0) {
          socket.close(1000, "STOMP died");
          return;
        }
        session.prefetch = Number(headers["prefetch-count"]);
        session.isCumulative = headers.ack === "client";
        session.id = headers.id ?? "";
        session.next = offsetOf(headers["x-stream-offset"], stream.length);
        deliver(session);
      }
      if (command === "ACK") {
        const id = Number(headers.id);
        for (const offset of session.unacknowledged) {
          if (offset === id || (session.isCumulative && offset < id)) {
            session.unacknowledged.delete(offset);
          }
        }
        acknowledged.push(id);
        deliver(session);
      }
    });
  });

  return {
    url: `ws://127.0.0.1:${address.port}/stomp`,
    subscriptions,
    acknowledged,
    passcodes,
    get openSockets() {
      return sessions.size;
    },
    publish(message) {
      stream.push(message);
      for (const session of sessions) if (session.prefetch > 0) deliver(session);
    },
    drop() {
      for (const { socket } of sessions) socket.close(1000, "STOMP died");
    },
    cancelSubscriptions() {
      for (const session of sessions) {
        session.prefetch = 0;
        session.socket.send("ERROR\nmessage:Server cancelled subscription\n\n\0");
      }
    },
    refuseSubscriptions: (count) => {
      refusedSubscriptions = count;
    },
    refuseConnects: (count) => {
      refusedConnects = count;
    },
    async [Symbol.asyncDispose]() {
      for (const { socket } of sessions) socket.terminate();
      server.close();
      await once(server, "close");
    },
  };
}

function offsetOf(text: string | undefined, end: number): number {
  if (text === "first") return 0;
  const match = /^offset=(\d+)$/.exec(text ?? "");
  return match ? Number(match[1]) : end;
}

function parseFrame(text: string) {
  const [head = ""] = text.split("\n\n", 1);
  const [command, ...lines] = head.trimStart().split("\n");
  if (!command) return undefined;
  const headers = Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(":");
      return [line.slice(0, at), unescapeHeader(line.slice(at + 1), command)];
    }),
  );
  return { command, headers };
}

function unescapeHeader(value: string, command: string): string {
  if (command === "CONNECT") return value;
  return value.replaceAll("\\c", ":").replaceAll("\\n", "\n").replaceAll("\\\\", "\\");
}

const isText = (value: unknown) => typeof value === "string";

function messageFrame(message: WireMessage, offset: number, subscription: string): Buffer {
  const body = Buffer.from(message.body);
  const headers = {
    subscription,
    destination: "/amq/queue/test",
    "message-id": `T_${offset}`,
    ack: offset,
    "x-stream-offset": offset,
    "content-type": message.contentType,
    type: message.type,
    "content-length": body.length,
    // RabbitMQ leaves out headers that are no text.
    ...Object.fromEntries(Object.entries(message.headers).filter(([, value]) => isText(value))),
  };
  const lines = Object.entries(headers).map(
    ([name, value]) => `${name}:${String(value).replaceAll(":", "\\c")}\n`,
  );
  return Buffer.concat([Buffer.from(`MESSAGE\n${lines.join("")}\n`), body, Buffer.from("\0")]);
}
