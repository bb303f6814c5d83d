import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

export interface CutProxy extends AsyncDisposable {
  /** The given address with the proxy's host and port in place of the server's. */
  readonly url: string;
  readonly connections: number;
  /** Breaks every connection at once, as a network does: neither side says goodbye. */
  cut(): void;
  /** While closed, new connections are refused. */
  close(): void;
  open(): void;
  /** From now on every piece of data waits so long, in both directions. */
  delay(ms: number): void;
}

/**
 * A TCP proxy in front of a server, to break and slow down the connections that go through it. Of several servers each
 * connection gets the next one that is there.
 */
export async function openCutProxy(
  targets: string | readonly [string, ...string[]],
): Promise<CutProxy> {
  const [target, ...others] = typeof targets === "string" ? [targets] : targets;
  const first = new URL(target);
  const places = [first, ...others.map((other) => new URL(other))];
  let turn = 0;
  let accepted = 0;
  const sockets = new Set<Socket>();
  let isOpen = true;
  let delayMs = 0;

  /** One piece after another, so that a delay that changes never changes their order. */
  async function carry(from: Socket, to: Socket) {
    for await (const piece of from) {
      if (delayMs > 0) await delay(delayMs);
      if (to.destroyed) return;
      if (!to.write(piece)) await Promise.race([once(to, "drain"), once(to, "close")]);
    }
    to.end();
  }

  const server = createServer((near) => {
    if (!isOpen) {
      near.resetAndDestroy();
      return;
    }
    near.setNoDelay(true);
    sockets.add(near);
    accepted += 1;
    near.on("error", () => {}); // "close" follows
    near.on("close", () => {
      sockets.delete(near);
      accepted -= 1;
    });
    dial(near, places.length);
  });

  function dial(near: Socket, tries: number) {
    const place = places[turn++ % places.length] ?? first;
    const far = connect({ host: place.hostname, port: Number(place.port), noDelay: true });
    const giveUp = () => far.destroy();
    near.once("close", giveUp);
    far.once("error", () => {
      near.off("close", giveUp);
      if (tries > 1 && !near.destroyed) dial(near, tries - 1);
      else near.destroy();
    });
    far.once("connect", () => join(near, far));
  }

  function join(near: Socket, far: Socket) {
    far.removeAllListeners("error");
    sockets.add(far);
    far.on("close", () => sockets.delete(far));
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      socket.on("error", () => other.destroy());
      socket.on("close", () => other.destroy());
      carry(socket, other).catch(() => other.destroy());
    }
  }
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
      return accepted;
    },
    cut,
    close() {
      isOpen = false;
    },
    open() {
      isOpen = true;
    },
    delay(ms) {
      delayMs = ms;
    },
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, "close");
    },
  };
}
