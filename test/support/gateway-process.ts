import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import * as z from "zod";

/** What a gateway of a test works with. */
export interface GatewayParts {
  readonly broker: {
    readonly amqpUrl: string;
    readonly stompUrl: string;
    readonly jwtPrivateKeyFile: string;
  };
  readonly redis: { readonly redisUrl: string };
  readonly fleet: { readonly prefix: string; readonly dataDir: string };
}

/** A gateway as it is started in production. */
export interface GatewayProcess {
  readonly url: string;
  readonly pid: number;
  /** Sends the signal and waits until the process is gone. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const readySchema = z.object({ event: z.literal("gateway-ready"), url: z.string() });

/** Starts the process and waits until it listens. */
export async function spawnGateway(
  { broker, redis, fleet }: GatewayParts,
  variables: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const env = {
    ...process.env,
    AMQP_URL: broker.amqpUrl,
    STOMP_URL: broker.stompUrl,
    REDIS_URL: redis.redisUrl,
    LOOM_PREFIX: fleet.prefix,
    DATA_DIR: fleet.dataDir,
    JWT_PRIVATE_KEY_FILE: broker.jwtPrivateKeyFile,
    PORT: "0",
    ...variables,
  };
  const child = spawn(
    process.execPath,
    ["--conditions=@rabbitloom/source", "--import=tsx", "apps/gateway/src/main.ts"],
    { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] },
  );
  const exited = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => resolve(code));
  });
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const ready = readySchema.safeParse(parse(line));
      if (ready.success) resolve(ready.data.url);
    });
    void exited.then((code) => reject(new Error(`the gateway ended with code ${code}`)));
  });
  return {
    url,
    pid: child.pid ?? 0,
    kill(signal) {
      child.kill(signal);
      return exited;
    },
  };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
