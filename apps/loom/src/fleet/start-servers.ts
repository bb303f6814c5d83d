import { join } from "node:path";
import type { Environment } from "../config.ts";
import {
  type Child,
  freePorts,
  REDIS_PORT,
  rabbitmqPorts,
  signingKeys,
  startRabbitmq,
  startRedis,
} from "../servers/index.ts";

export interface Servers {
  readonly amqpUrl: string;
  readonly managementUrl: string;
  readonly stompUrl: string;
  readonly redisUrl: string;
  readonly jwtPrivateKeyFile: string;
}

export interface ServersRequest {
  readonly dataDir: string;
  readonly environment: Environment;
  readonly onChild: (kind: "rabbitmq" | "epmd" | "redis", child: Child) => Promise<void>;
  readonly note: (text: string) => void;
}

/** RabbitMQ and Redis: those that the environment names, else ones of our own, started side by side. */
export async function startServers(request: ServersRequest): Promise<Servers> {
  const { AMQP_URL, REDIS_URL } = request.environment;
  const [broker, redisUrl] = await Promise.all([
    AMQP_URL === undefined ? ownBroker(request) : givenBroker(AMQP_URL, request),
    REDIS_URL ?? ownRedis(request),
  ]);
  return { ...broker, redisUrl };
}

type BrokerFacts = Omit<Servers, "redisUrl">;

async function ownBroker({ dataDir, onChild, note }: ServersRequest): Promise<BrokerFacts> {
  const ports = await freePorts(rabbitmqPorts);
  noteTaken(note, "RabbitMQ", rabbitmqPorts, ports);
  const server = await startRabbitmq({ folder: join(dataDir, "rabbitmq"), ports, onChild });
  const { amqpUrl, managementUrl, stompUrl, jwtPrivateKeyFile } = server;
  return { amqpUrl, managementUrl, stompUrl, jwtPrivateKeyFile };
}

/** Where AMQP_URL is set, the plugins are looked for at their usual ports on the same host. */
async function givenBroker(
  amqpUrl: string,
  { dataDir, environment, note }: ServersRequest,
): Promise<BrokerFacts> {
  const { username, password, hostname } = new URL(amqpUrl);
  let jwtPrivateKeyFile = environment.JWT_PRIVATE_KEY_FILE;
  if (jwtPrivateKeyFile === undefined) {
    const keys = await signingKeys(join(dataDir, "keys"));
    jwtPrivateKeyFile = keys.privateKeyFile;
    note(
      "JWT_PRIVATE_KEY_FILE is not set: browsers can watch over STOMP once your RabbitMQ trusts " +
        `${keys.publicKeyFile} (auth_oauth2.signing_keys.gw1; see deploy/rabbitmq/rabbitmq.conf)`,
    );
  }
  return {
    amqpUrl,
    managementUrl: environment.MANAGEMENT_URL ?? `http://${username}:${password}@${hostname}:15672`,
    stompUrl: environment.STOMP_URL ?? `ws://${hostname}:15674/ws`,
    jwtPrivateKeyFile,
  };
}

async function ownRedis({ dataDir, onChild, note }: ServersRequest): Promise<string> {
  const ports = await freePorts({ redis: REDIS_PORT });
  noteTaken(note, "Redis", { redis: REDIS_PORT }, ports);
  const server = await startRedis({
    folder: join(dataDir, "redis"),
    port: ports.redis,
    onChild: (child) => onChild("redis", child),
  });
  return server.url;
}

function noteTaken<Name extends string>(
  note: (text: string) => void,
  who: string,
  wanted: Readonly<Record<Name, number>>,
  got: Readonly<Record<Name, number>>,
): void {
  const moved: string[] = [];
  for (const name in wanted) {
    if (wanted[name] !== got[name]) moved.push(`${name} ${wanted[name]} -> ${got[name]}`);
  }
  if (moved.length > 0) note(`${who}: ports in use, others taken: ${moved.join(", ")}`);
}
