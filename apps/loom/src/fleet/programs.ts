import { join } from "node:path";
import { inheritedEnvironment, repositoryRoot, shippedModels } from "../config.ts";
import type { Servers } from "./start-servers.ts";

/** A worker hands its job back when it is not done by then; the broker keeps it for the next `up`. */
export const DRAIN_SECONDS = 10;

/** What a worker that is alone takes for models. */
const MEMORY_PERCENT = 75;

export interface FleetFacts {
  readonly servers: Servers;
  readonly dataDir: string;
  readonly prefix: string;
  readonly host: string;
  readonly port: number;
  readonly nodes: readonly string[];
  /** The user's own; a file of theirs hides a shipped one of the same name. */
  readonly modelsDir: string;
  readonly frontEndRoot?: string | undefined;
  readonly variables?: Readonly<Record<string, string>>;
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
    MODELS_DIR: modelRoots(facts),
    ...(facts.frontEndRoot !== undefined && { FRONT_END_ROOT: facts.frontEndRoot }),
  });
}

/** One of so many workers that the machine's memory is shared by. */
export function workerProgram(
  facts: FleetFacts,
  { workerId, workers }: { readonly workerId: string; readonly workers: number },
): Program {
  return nodeProgram("apps/worker/dist/main.js", {
    MEMORY_BUDGET: inheritedEnvironment.MEMORY_BUDGET ?? `${MEMORY_PERCENT / workers}%`,
    ...sharedEnvironment(facts),
    WORKER_ID: workerId,
    NODES: facts.nodes.join(","),
    MODELS_DIR: modelRoots(facts),
    DRAIN_SECONDS: String(DRAIN_SECONDS),
  });
}

/** The first one that has a file wins. */
function modelRoots({ modelsDir }: Pick<FleetFacts, "modelsDir">): string {
  return [modelsDir, shippedModels].join(",");
}

function sharedEnvironment({
  servers,
  dataDir,
  prefix,
  variables,
}: Pick<FleetFacts, "servers" | "dataDir" | "prefix" | "variables">): Record<string, string> {
  return {
    ...variables,
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
