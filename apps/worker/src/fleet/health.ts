import { createServer } from "node:http";

export interface Health {
  /** False: this worker cannot do its work now. */
  readonly isWell: boolean;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface HealthServer extends AsyncDisposable {
  readonly url: string;
}

export interface HealthServerOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly check: () => Promise<Health>;
}

/** `GET /health`: 200 where the worker can work, 503 where not, in both cases with the facts as JSON. */
export async function serveHealth({
  host,
  port,
  check,
}: HealthServerOptions): Promise<HealthServer> {
  const server = createServer((request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0];
    if (path !== "/health") {
      response.writeHead(404, { "content-type": "application/json" });
      response.end(
        JSON.stringify({ error: { code: "NOT_FOUND", message: `expected /health, got ${path}` } }),
      );
      return;
    }
    void check()
      .catch((error: unknown): Health => ({ isWell: false, facts: { error: String(error) } }))
      .then(({ isWell, facts }) => {
        response.writeHead(isWell ? 200 : 503, { "content-type": "application/json" });
        response.end(JSON.stringify({ status: isWell ? "ok" : "unavailable", ...facts }));
      });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const actual = typeof address === "object" && address !== null ? address.port : port;
  const shownHost = host.includes(":") ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${actual}/health`,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
