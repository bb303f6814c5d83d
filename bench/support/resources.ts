import { Redis } from "ioredis";
import * as z from "zod";
import { management } from "../../test/support/management.ts";
import { childrenOf, descriptorsOf, memoryBytesOf } from "../../test/support/process-figures.ts";

/** One figure of a process or a server. */
export interface Figure {
  readonly name: string;
  readonly unit: "MB" | "count";
  readonly value: number;
}

export interface Watched {
  readonly pids: ReadonlyMap<string, number>;
  readonly managementUrl: string;
  readonly redisUrl: string;
}

/** Memory and descriptors of each process with its children, and what RabbitMQ and Redis hold by their own account. */
export async function takeFigures({ pids, managementUrl, redisUrl }: Watched): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const [name, pid] of pids) {
    const family = await familyOf(pid);
    const bytes = await Promise.all(family.map(memoryBytesOf));
    const descriptors = await Promise.all(family.map(descriptorsOf));
    figures.push({ name: `${name}, own memory`, unit: "MB", value: total(bytes) / 2 ** 20 });
    figures.push({ name: `${name}, descriptors`, unit: "count", value: total(descriptors) });
  }
  const list = await management(managementUrl, "GET", "queues?columns=name");
  const queues = z.array(z.unknown()).parse(list);
  figures.push({ name: "RabbitMQ, queues and streams", unit: "count", value: queues.length });
  const redis = new Redis(redisUrl);
  const usedBytes = Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1]);
  figures.push({ name: "Redis, keys", unit: "count", value: await redis.dbsize() });
  figures.push({ name: "Redis, used_memory", unit: "MB", value: usedBytes / 2 ** 20 });
  await redis.quit();
  return figures;
}

/** The process and all below it. */
async function familyOf(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  return [pid, ...(await Promise.all(children.map(familyOf))).flat()];
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
