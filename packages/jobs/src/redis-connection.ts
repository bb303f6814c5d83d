import { createHash } from "node:crypto";
import { CodedError } from "@rabbitloom/protocol";
import { Redis } from "ioredis";

/** A script with what all scripts share in front of it. */
export interface Script {
  readonly lua: string;
  readonly sha: string;
}

export function script(lua: string): Script {
  return { lua, sha: createHash("sha1").update(lua).digest("hex") };
}

export interface RedisConnectionOptions {
  readonly url: string;
  readonly name: string;
  /** See JobStoreOptions. */
  readonly waitMs: number;
  readonly onProblem: (error: Error) => void;
  /** Loaded on every new connection, so that none has to be sent twice and commands keep their order. */
  readonly scripts: readonly Script[];
}

/** Redis as the store sees it: scripts that answer `unknown`, and one error for everything that is not there. */
export interface RedisConnection extends AsyncDisposable {
  /** Runs a script whose only declared key is the root that all its keys begin with. */
  run(script: Script, root: string, args: readonly (string | number)[]): Promise<unknown>;
  ping(): Promise<void>;
  /** Calls back for every message on the channel, on a connection of its own, and `onGap` whenever that is new. */
  subscribe(channel: string, onMessage: (text: string) => void, onGap?: () => void): Disposable;
}

/** Connects to Redis and stays connected until disposed. While it is away, everything is refused at once. */
export async function connectRedis(options: RedisConnectionOptions): Promise<RedisConnection> {
  const { url, name, waitMs, onProblem, scripts } = options;
  const redis = new Redis(url, {
    connectionName: name,
    lazyConnect: true,
    // A change that nobody waits for any more must not happen minutes later.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: 5_000,
    connectTimeout: 5_000,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 5), 1_000),
  });
  let subscriber: Redis | undefined;
  redis.on("error", onProblem);
  redis.on("ready", () => {
    for (const { lua } of scripts) redis.script("LOAD", lua).catch(onProblem);
  });
  void redis.connect().catch(() => {}); // "error" has told; it is tried again
  await firstReady(redis, waitMs);

  return {
    async run({ lua, sha }, root, args) {
      try {
        return await redis.evalsha(sha, 1, root, ...args);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw coded(error);
      }
      return redis.eval(lua, 1, root, ...args).catch((error: unknown) => {
        throw coded(error);
      });
    },
    async ping() {
      await redis.ping().catch((error: unknown) => {
        throw coded(error);
      });
    },
    subscribe(channel, onMessage, onGap = () => {}) {
      // A subscription waits for its connection, and is made again on every new one.
      subscriber ??= redis.duplicate({ enableOfflineQueue: true, maxRetriesPerRequest: null });
      const listening = subscriber;
      listening.on("error", onProblem);
      const listener = (from: string, text: string) => {
        if (from === channel) onMessage(text);
      };
      listening.on("message", listener);
      listening.on("ready", onGap);
      listening.subscribe(channel).catch(onProblem);
      return {
        [Symbol.dispose]() {
          listening.off("message", listener);
          listening.off("ready", onGap);
        },
      };
    },
    [Symbol.asyncDispose]() {
      subscriber?.disconnect();
      redis.disconnect();
      return Promise.resolve();
    },
  };
}

async function firstReady(redis: Redis, waitMs: number): Promise<void> {
  if (waitMs === 0) return;
  const isReady = await new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), waitMs);
    redis.once("ready", () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
  if (isReady) return;
  redis.disconnect();
  throw new CodedError("STORE_UNAVAILABLE", `Redis: not ready within ${waitMs} ms`);
}

/** Answers of a server that is there but cannot serve now. */
const NOT_NOW = /^(LOADING|READONLY|MISCONF|MASTERDOWN|CLUSTERDOWN|OOM|TRYAGAIN|NOREPLICAS)/;

function coded(cause: unknown): CodedError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const isAnswer = error.name === "ReplyError" && !NOT_NOW.test(error.message);
  const code = isAnswer ? "INTERNAL" : "STORE_UNAVAILABLE";
  return new CodedError(code, `Redis: ${error.message}`, { cause });
}
