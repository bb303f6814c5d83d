import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface CutProxy extends AsyncDisposable {
  /** The given address with the proxy's host and port in place of the server's. */
  readonly url: string;
  readonly connections: number;
  /** Breaks every connection at once, as a network does: neither side says goodbye. */
  cut(): void;
  /** While closed, new connections are refused. */
  close(): void;
  open(): void;
}

/** A TCP proxy in front of a server, to break the connections that go through it. */
export async function openCutProxy(target: string): Promise<CutProxy> {
  const { hostname: host, port } = new URL(target);
  const sockets = new Set<Socket>();
  let isOpen = true;

  const server = createServer((near) => {
    if (!isOpen) {
      near.resetAndDestroy();
      return;
    }
    const far = connect({ host, port: Number(port), noDelay: true });
    near.setNoDelay(true);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => other.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(other);
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port to listen on");
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(address.port);

  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: url.href,
    get connections() {
      return sockets.size / 2;
    },
    cut,
    close() {
      isOpen = false;
    },
    open() {
      isOpen = true;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
