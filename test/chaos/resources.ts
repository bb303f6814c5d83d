import { Redis } from "ioredis";
import * as z from "zod";
import { management } from "../support/management.ts";
import { childrenOf, descriptorsOf, memoryBytesOf } from "../support/process-figures.ts";
import type { ChaosFleet } from "./fleet.ts";
import type { Resources } from "./history.ts";

const queuesSchema = z.array(z.object({ name: z.string(), messages: z.number().default(0) }));

/** What the fleet holds at this moment. */
export async function measure(fleet: ChaosFleet): Promise<Resources> {
  const list = await management(fleet.managementUrl, "GET", "queues/%2F?columns=name,messages");
  const queues = queuesSchema.parse(list).filter(({ name }) => !name.endsWith(".recorder"));
  const { dead, replyPrefix } = fleet.names;
  const programs = [...fleet.gateways, ...fleet.workers];
  const numbers: Record<string, number> = {
    queues: queues.length,
    streams: queues.filter(({ name }) => name.startsWith(replyPrefix)).length,
    // Letters stay until somebody has read them.
    messages: sum(queues.filter(({ name }) => name !== dead.queue).map(({ messages }) => messages)),
    keys: await lastingKeys(fleet.redisUrl),
    engines: (await Promise.all(fleet.workers.map(({ pid }) => childrenOf(pid)))).flat().length,
  };
  for (const { name, pid } of [...fleet.broker.processes, ...fleet.redis.processes, ...programs]) {
    numbers[`${name}Descriptors`] = await descriptorsOf(pid);
    numbers[`${name}Bytes`] = await memoryBytesOf(pid);
  }
  return numbers;
}

/** Keys that do not expire by themselves. */
async function lastingKeys(redisUrl: string): Promise<number> {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: 3, commandTimeout: 10_000 });
  redis.on("error", () => {}); // the command itself rejects
  try {
    let lasting = 0;
    for await (const batch of redis.scanStream({ count: 1_000 })) {
      const keys = z.array(z.string()).parse(batch);
      const lives = await Promise.all(keys.map((key) => redis.pttl(key)));
      lasting += lives.filter((ms) => ms === -1).length;
    }
    return lasting;
  } finally {
    redis.disconnect();
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
