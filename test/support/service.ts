import { type Client, createClient } from "@rabbitloom/client";
import { WebSocket } from "ws";
import { openBroker, type TestBroker } from "./broker.ts";
import { openFleet, type TestFleet } from "./fleet.ts";
import { type GatewayProcess, spawnGateway } from "./gateway-process.ts";
import { openRedis, type TestRedis } from "./redis.ts";

/** The whole road: a broker, a store, workers, and a gateway before them. */
export interface TestService extends AsyncDisposable {
  readonly url: string;
  readonly broker: TestBroker;
  readonly redis: TestRedis;
  readonly fleet: TestFleet;
  readonly gateway: GatewayProcess;
  /** One more gateway for the same fleet. */
  startGateway(variables?: Readonly<Record<string, string>>): Promise<GatewayProcess>;
  readonly client: Client;
}

export interface ServiceOptions {
  /** @default 1 */
  readonly workers?: number;
  /** Variables of the workers' environment. */
  readonly worker?: Readonly<Record<string, string>>;
  /** Variables of the gateway's environment. */
  readonly gateway?: Readonly<Record<string, string>>;
  /** Packs of nodes beside the toys and the painter. */
  readonly nodes?: readonly string[];
}

/** Starts one with the toy nodes and the painter, on names that no other test uses. */
export async function openService(options: ServiceOptions = {}): Promise<TestService> {
  const opened: AsyncDisposable[] = [];
  const close = async () => {
    for (const part of opened.splice(0).reverse()) await part[Symbol.asyncDispose]();
  };
  const keep = <Part extends AsyncDisposable>(part: Part): Part => {
    opened.push(part);
    return part;
  };
  try {
    return { ...(await openParts(options, keep)), [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openParts(
  { workers = 1, worker = {}, gateway: variables = {}, nodes = [] }: ServiceOptions,
  keep: <Part extends AsyncDisposable>(part: Part) => Part,
): Promise<Omit<TestService, typeof Symbol.asyncDispose>> {
  const packs = ["test/support/toy-pack.ts", "test/node-packs/painter.ts", ...nodes];
  const broker = keep(await openBroker());
  const redis = keep(await openRedis());
  const fleet = keep(await openFleet({ broker, redis }));
  await Promise.all(
    Array.from({ length: workers }, () => fleet.spawnWorker({ NODES: packs.join(","), ...worker })),
  );
  const startGateway = async (given: Readonly<Record<string, string>> = {}) => {
    const started = await spawnGateway({ broker, redis, fleet }, given);
    keep({ [Symbol.asyncDispose]: async () => void (await started.kill("SIGTERM")) });
    return started;
  };
  const gateway = await startGateway(variables);
  return {
    url: gateway.url,
    broker,
    redis,
    fleet,
    gateway,
    startGateway,
    client: createClient({ baseUrl: gateway.url, WebSocket }),
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
