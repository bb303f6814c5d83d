import { createServer } from "node:net";

/** How far above the wanted port one is looked for, before any at all is taken. */
const NEIGHBOURS = 20;

/** `preferred` where nobody listens on it, else one shortly above it, else any that is free at this moment. */
export async function freePort(preferred = 0, host = "127.0.0.1"): Promise<number> {
  const last = preferred === 0 ? 0 : Math.min(preferred + NEIGHBOURS, 65_535);
  for (let port = preferred; port <= last; port++) {
    const found = await tryListen(port, host);
    if (found !== undefined) return found;
  }
  const any = await tryListen(0, host);
  if (any === undefined) throw new Error(`cannot listen on any port of ${host}`);
  return any;
}

/** As many different free ports as there are names. */
export async function freePorts<Name extends string>(
  preferred: Readonly<Record<Name, number>>,
): Promise<Record<Name, number>> {
  const taken = new Set<number>();
  const ports: Record<Name, number> = { ...preferred };
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
