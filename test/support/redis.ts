import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import * as z from "zod";
import { type RedisServer, startRedis } from "../../apps/loom/src/servers/index.ts";
import { quietPort } from "./ports.ts";
import { randomPrefix, sharedServer } from "./shared-server.ts";

const sharedRedisSchema = z.object({ redisUrl: z.string() });
export type SharedRedis = z.infer<typeof sharedRedisSchema>;

export interface TestRedis extends SharedRedis, AsyncDisposable {
  /** Of every key that this test may write; such keys are deleted in the end. */
  readonly prefix: string;
}

/** The run's Redis (the one of REDIS_URL where that is set), with a key prefix of one's own. */
export async function openRedis(): Promise<TestRedis> {
  const { REDIS_URL } = process.env;
  const shared = REDIS_URL === undefined ? await sharedServer("redis") : { redisUrl: REDIS_URL };
  const { redisUrl } = sharedRedisSchema.parse(shared);
  const prefix = randomPrefix();
  return { redisUrl, prefix, [Symbol.asyncDispose]: () => deleteKeys(redisUrl, prefix) };
}

export interface PrivateRedis extends TestRedis {
  readonly pid: number;
  stop(): Promise<void>;
  /** kill -9: at most the last second of writes is lost. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

/** A Redis for one test, to be stopped, crashed and started at will. */
export async function openPrivateRedis(): Promise<PrivateRedis> {
  const folder = await mkdtemp(join(tmpdir(), "loom-redis-"));
  const port = await quietPort();
  let server: RedisServer = await startRedis({ folder, port, endsWithParent: true });
  const { url } = server;
  return {
    redisUrl: url,
    prefix: randomPrefix(),
    get pid() {
      return server.pid;
    },
    stop: () => server.stop(),
    async crash() {
      server.kill("SIGKILL");
      await server.exited;
    },
    async start() {
      server = await startRedis({ folder, port, endsWithParent: true });
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function deleteKeys(redisUrl: string, prefix: string): Promise<void> {
  const redis = new Redis(redisUrl);
  for await (const keys of redis.scanStream({ match: `*${prefix}*`, count: 1000 })) {
    const names = z.array(z.string()).parse(keys);
    if (names.length > 0) await redis.unlink(...names);
  }
  await redis.quit();
}
