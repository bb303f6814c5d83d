import { createServer, type IncomingMessage, request } from "node:http";
import { connect } from "node:net";
import type { Duplex } from "node:stream";

export interface RoundRobinOptions {
  /** Gateways that sockets go to, in turn. */
  readonly sockets: readonly string[];
  /** Gateways that requests go to, in turn. */
  readonly requests: readonly string[];
}

export interface RoundRobin extends AsyncDisposable {
  readonly url: string;
}

/** A proxy before several gateways that sends each request and each socket to the next one, `Host` as it came. */
export async function openRoundRobin(options: RoundRobinOptions): Promise<RoundRobin> {
  const nextSocket = inTurn(options.sockets);
  const nextRequest = inTurn(options.requests);
  const open = new Set<Duplex>();

  const server = createServer((incoming, outgoing) => {
    const { hostname, port } = nextRequest();
    const { method, url, rawHeaders } = incoming;
    const passed = request(
      { hostname, port, method, path: url, headers: rawHeaders, setHost: false },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(outgoing);
      },
    );
    passed.on("error", () => outgoing.destroy());
    outgoing.on("close", () => passed.destroy());
    incoming.pipe(passed);
  });
  server.on("upgrade", (incoming: IncomingMessage, client: Duplex, head: Buffer) => {
    const { hostname, port } = nextSocket();
    const gateway = connect(Number(port), hostname, () => {
      const { method, url, rawHeaders } = incoming;
      const lines = rawHeaders.flatMap((name, i) =>
        i % 2 === 0 ? [`${name}: ${rawHeaders[i + 1]}`] : [],
      );
      gateway.write([`${method} ${url} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
      gateway.write(head);
      gateway.pipe(client).pipe(gateway);
    });
    for (const [end, other] of [
      [client, gateway],
      [gateway, client],
    ] as const) {
      open.add(end);
      end.on("error", () => other.destroy());
      end.on("close", () => {
        open.delete(end);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port to listen on");

  return {
    url: `http://127.0.0.1:${address.port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function inTurn(urls: readonly string[]): () => URL {
  let count = 0;
  return () => new URL(urls[count++ % urls.length] ?? "http://127.0.0.1:0");
}
