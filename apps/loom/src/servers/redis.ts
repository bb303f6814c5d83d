import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Child, type Exit, startChild, waitForLog } from "./child.ts";
import { sizeOf } from "./file-size.ts";
import { findProgram } from "./find-program.ts";
import { freePort } from "./free-port.ts";

export const REDIS_PORT = 6379;

export interface RedisOptions {
  /** Append-only file and log are kept here. */
  readonly folder: string;
  /** @default any free port */
  readonly port?: number;
  /** Keep data on disk. @default true */
  readonly isDurable?: boolean;
  /** Before every answer, nothing that was answered is ever lost. @default "everysec" */
  readonly flush?: "everysec" | "always";
  readonly endsWithParent?: boolean;
  readonly onChild?: (child: Child) => Promise<void>;
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly logFile: string;
  readonly exited: Promise<Exit>;
  kill(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

/** Starts a Redis of its own in a folder and waits until it answers. Throws MissingProgram where Redis is not installed. */
export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { folder, isDurable = true, flush = "everysec", endsWithParent = false, onChild } = options;
  const command = await findProgram(["redis-server", "valkey-server"], ["redis-server"]);
  const port = options.port ?? (await freePort());
  await mkdir(folder, { recursive: true });
  const logFile = join(folder, "redis.log");
  const from = await sizeOf(logFile);
  const settings = {
    port: String(port),
    bind: "127.0.0.1",
    dir: folder,
    appendonly: isDurable ? "yes" : "no",
    appendfsync: flush,
    save: "",
    // Jobs must never be evicted: out of memory is an error that callers see.
    "maxmemory-policy": "noeviction",
    daemonize: "no",
  };
  const child = await startChild({
    command,
    args: Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]),
    logFile,
    cwd: folder,
    endsWithParent,
  });
  await onChild?.(child);
  await waitForLog({
    child,
    from,
    text: "Ready to accept connections",
    what: "Redis",
    timeoutMs: 30_000,
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid,
    logFile,
    exited: child.exited,
    kill: child.kill,
    stop: () => child.stop(),
  };
}
