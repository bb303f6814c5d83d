import { type Client, createClient } from "@rabbitloom/client";
import { WebSocket } from "ws";
import { openBroker, type TestBroker } from "./broker.ts";
import { openFleet, type TestFleet } from "./fleet.ts";
import { type GatewayProcess, spawnGateway } from "./gateway-process.ts";
import { openRedis } from "./redis.ts";

/** The whole road: a broker, a store, workers, and a gateway before them. */
export interface TestService extends AsyncDisposable {
  readonly url: string;
  readonly broker: TestBroker;
  readonly fleet: TestFleet;
  readonly gateway: GatewayProcess;
  /** One more gateway for the same fleet. */
  startGateway(variables?: Readonly<Record<string, string>>): Promise<GatewayProcess>;
  readonly client: Client;
}

export interface ServiceOptions {
  /** @default 1 */
  readonly workers?: number;
  /** Variables of the gateway's environment. */
  readonly gateway?: Readonly<Record<string, string>>;
}

/** Starts one with the toy nodes and the painter, on names that no other test uses. */
export async function openService(options: ServiceOptions = {}): Promise<TestService> {
  const { workers = 1, gateway: variables = {} } = options;
  const broker = await openBroker();
  const redis = await openRedis();
  const fleet = await openFleet({ broker, redis });
  await Promise.all(
    Array.from({ length: workers }, () =>
      fleet.spawnWorker({ NODES: "test/support/toy-pack.ts,test/node-packs/painter.ts" }),
    ),
  );
  const gateways: GatewayProcess[] = [];
  const startGateway = async (given: Readonly<Record<string, string>> = {}) => {
    const started = await spawnGateway({
      AMQP_URL: broker.amqpUrl,
      STOMP_URL: broker.stompUrl,
      JWT_PRIVATE_KEY_FILE: broker.jwtPrivateKeyFile,
      REDIS_URL: redis.redisUrl,
      LOOM_PREFIX: fleet.prefix,
      DATA_DIR: fleet.dataDir,
      PORT: "0",
      ...given,
    });
    gateways.push(started);
    return started;
  };
  const gateway = await startGateway(variables);
  return {
    url: gateway.url,
    broker,
    fleet,
    gateway,
    startGateway,
    client: createClient({ baseUrl: gateway.url, WebSocket }),
    async [Symbol.asyncDispose]() {
      await Promise.all(gateways.map((each) => each.kill("SIGTERM")));
      await fleet[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
    },
  };
}

/** An empty picture, painted over step by step, saved. */
export function painting({ steps = 10, ms = 100 }: { steps?: number; ms?: number } = {}) {
  return {
    "1": {
      class_type: "EmptyImage",
      inputs: { width: 64, height: 40, batch_size: 1, color: 0x2f6f5e },
      _meta: { title: "Canvas" },
    },
    "2": {
      class_type: "PaintSlowly",
      inputs: { image: ["1", 0], steps, ms },
      _meta: { title: "Paint" },
    },
    "3": {
      class_type: "SaveImage",
      inputs: { images: ["2", 0], filename_prefix: "painted" },
      _meta: { title: "Save" },
    },
  };
}
