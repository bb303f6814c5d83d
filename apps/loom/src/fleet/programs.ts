import { join } from "node:path";
import { inheritedEnvironment, repositoryRoot } from "../config.ts";
import type { Servers } from "./start-servers.ts";

/** A worker hands its job back when it is not done by then; the broker keeps it for the next `up`. */
export const DRAIN_SECONDS = 10;

export interface FleetFacts {
  readonly servers: Servers;
  readonly dataDir: string;
  readonly prefix: string;
  readonly host: string;
  readonly port: number;
  readonly nodes: readonly string[];
  readonly modelsDir: string;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function gatewayProgram({ servers, host, port, ...facts }: FleetFacts): Program {
  return nodeProgram("apps/gateway/dist/main.js", {
    ...sharedEnvironment({ servers, ...facts }),
    HOST: host,
    PORT: String(port),
    CONSOLE_DIR: join(repositoryRoot, "apps/console/dist"),
    STOMP_URL: servers.stompUrl,
    JWT_PRIVATE_KEY_FILE: servers.jwtPrivateKeyFile,
  });
}

export function workerProgram(facts: FleetFacts, workerId: string): Program {
  return nodeProgram("apps/worker/dist/main.js", {
    ...sharedEnvironment(facts),
    WORKER_ID: workerId,
    NODES: facts.nodes.join(","),
    MODELS_DIR: facts.modelsDir,
    DRAIN_SECONDS: String(DRAIN_SECONDS),
  });
}

function sharedEnvironment({
  servers,
  dataDir,
  prefix,
}: Pick<FleetFacts, "servers" | "dataDir" | "prefix">): Record<string, string> {
  return {
    AMQP_URL: servers.amqpUrl,
    REDIS_URL: servers.redisUrl,
    LOOM_PREFIX: prefix,
    DATA_DIR: dataDir,
  };
}

/** What the caller's environment says about other things, a log level or a device, is passed on. */
function nodeProgram(script: string, env: Readonly<Record<string, string>>): Program {
  return {
    command: process.execPath,
    args: [join(repositoryRoot, script)],
    env: { ...inheritedEnvironment, ...env },
  };
}
