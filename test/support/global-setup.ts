import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startRabbitmq, startRedis } from "../../apps/loom/src/servers/index.ts";
import type { SharedBroker } from "./broker.ts";
import type { SharedRedis } from "./redis.ts";

/**
 * One RabbitMQ and one Redis for all test files of a run, started when the first file asks for it: a
 * RabbitMQ takes 6 s, and most unit tests need none. Files ask over HTTP, as they run in other processes.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "loom-test-"));
  const closers: (() => Promise<void>)[] = [];

  const broker = once(async (): Promise<SharedBroker> => {
    const server = await startRabbitmq({ folder: join(folder, "rabbitmq"), endsWithParent: true });
    closers.push(() => server.stop());
    const { amqpUrl, managementUrl, stompUrl, jwtPrivateKeyFile } = server;
    return { amqpUrl, managementUrl, stompUrl, jwtPrivateKeyFile };
  });
  const redis = once(async (): Promise<SharedRedis> => {
    const options = { folder: join(folder, "redis"), isDurable: false, endsWithParent: true };
    const server = await startRedis(options);
    closers.push(() => server.stop());
    return { redisUrl: server.url };
  });

  const server = createServer((request, response) => {
    const start: () => Promise<SharedBroker | SharedRedis> =
      request.url === "/broker" ? broker : redis;
    start().then(
      (facts) => response.end(JSON.stringify(facts)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port to listen on");
  project.provide("sharedServers", `http://127.0.0.1:${address.port}`);

  return async () => {
    server.closeAllConnections();
    server.close();
    await Promise.all(closers.map((close) => close()));
    await rm(folder, { recursive: true, force: true });
  };
}

function once<Result>(start: () => Promise<Result>): () => Promise<Result> {
  let started: Promise<Result> | undefined;
  return () => (started ??= start());
}
