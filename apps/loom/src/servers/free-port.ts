import { createServer } from "node:net";

/** `preferred` where nobody listens on it, else any port that is free at this moment. */
export async function freePort(preferred = 0, host = "127.0.0.1"): Promise<number> {
  const port = await tryListen(preferred, host);
  return port ?? (await freePort(0, host));
}

/** As many different free ports as there are names. */
export async function freePorts<Name extends string>(
  preferred: Readonly<Record<Name, number>>,
): Promise<Record<Name, number>> {
  const taken = new Set<number>();
  const ports = { ...preferred };
  for (const name in preferred) {
    let port = await freePort(preferred[name]);
    while (taken.has(port)) port = await freePort();
    taken.add(port);
    ports[name] = port;
  }
  return ports;
}

function tryListen(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      const found = typeof address === "object" && address !== null ? address.port : undefined;
      server.close(() => resolve(found));
    });
  });
}
