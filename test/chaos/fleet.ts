import { cp, mkdir, mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Broker, connectBroker } from "@rabbitloom/broker";
import { type JobStore, openJobStore } from "@rabbitloom/jobs";
import { type Topology, topology } from "@rabbitloom/protocol";
import { quietPort } from "../support/ports.ts";
import { type CloseStack, closeStack } from "./close-stack.ts";
import { insist } from "./patience.ts";
import { type Program, startProgram } from "./program.ts";
import { openRabbitmq, openRedisServer, type Server } from "./servers.ts";

/** The whole system in processes of its own, every connection through a proxy that can be broken. */
export interface ChaosFleet extends AsyncDisposable {
  readonly names: Topology;
  readonly outputFolder: string;
  readonly gateways: readonly [Gateway, ...Gateway[]];
  readonly workers: readonly [Program, ...Program[]];
  readonly broker: Server;
  readonly redis: Server;
  readonly redisUrl: string;
  readonly managementUrl: string;
  /** What its programs have written so far. */
  log(program: Program): Promise<string>;
  /** Copies what its programs and servers have written to a folder that stays; answers the folder. */
  keepLogs(): Promise<string>;
  /** The checker's own way in, which nothing breaks but a server's end. */
  readonly connection: Broker;
  readonly store: JobStore;
}

export interface Gateway extends Program {
  readonly url: string;
}

export interface ChaosFleetOptions {
  readonly workers: number;
  readonly gateways: number;
  readonly rabbitmqNodes: number;
  readonly maxQueueLength: number;
  readonly streamKeepSeconds: number;
  /** How long a job may be missing before a gateway looks after it. */
  readonly missingSeconds: number;
  /** Modules that are loaded into the programs before they start: how a broken build is made. */
  readonly preload: { readonly gateway?: string; readonly worker?: string };
  readonly print: (line: string) => void;
}

const root = fileURLToPath(new URL("../..", import.meta.url));
const PREFIX = "chaos";
const START_MS = 180_000;

type Environment = Readonly<Record<string, string>>;

export async function openChaosFleet(options: ChaosFleetOptions): Promise<ChaosFleet> {
  const closers = closeStack();
  try {
    return await open(options, closers);
  } catch (error) {
    await closers[Symbol.asyncDispose]();
    throw error;
  }
}

async function open(options: ChaosFleetOptions, closers: CloseStack): Promise<ChaosFleet> {
  const folder = await mkdtemp(join(tmpdir(), "loom-chaos-"));
  closers.defer(() => rm(folder, { recursive: true, force: true }));
  const rabbitmq = await openRabbitmq(join(folder, "rabbitmq"), options.rabbitmqNodes, closers);
  const redis = await openRedisServer(join(folder, "redis"), closers);
  const { stompUrl, managementUrl, jwtPrivateKeyFile } = rabbitmq.first;
  const dataDir = join(folder, "data");
  const outputFolder = join(dataDir, "output");
  await mkdir(outputFolder, { recursive: true });
  const shared = {
    PATH: process.env.PATH,
    HOME: folder,
    AMQP_URL: rabbitmq.server.proxy.url,
    REDIS_URL: redis.server.proxy.url,
    STOMP_URL: stompUrl,
    JWT_PRIVATE_KEY_FILE: jwtPrivateKeyFile,
    LOOM_PREFIX: PREFIX,
    DATA_DIR: dataDir,
    MAX_QUEUE_LENGTH: String(options.maxQueueLength),
    LOG_LEVEL: "info",
    // Every record is held against the rules.
    HISTORY_JOBS: "1000000",
  };
  const programs: Program[] = [];
  closers.defer(async () => {
    await Promise.all(programs.map((program) => program[Symbol.asyncDispose]()));
  });
  const program = async (name: string, app: "gateway" | "worker", env: Environment) => {
    const preload = options.preload[app];
    const started = await startProgram({
      name,
      args: [
        ...(preload === undefined ? [] : [`--import=${pathToFileURL(preload).href}`]),
        join(root, `apps/${app}/dist/main.js`),
      ],
      logFile: logFileOf(folder, name),
      cwd: root,
      env: { ...shared, ...env },
    });
    programs.push(started);
    return started;
  };
  const gateway = async (index: number): Promise<Gateway> => {
    const port = await quietPort();
    const env = {
      PORT: String(port),
      STREAM_KEEP_SECONDS: String(options.streamKeepSeconds),
      STRAY_SECONDS: String(options.streamKeepSeconds),
      READY_WITHOUT_WORKERS: "true",
      MISSING_SECONDS: String(options.missingSeconds),
    };
    const started = await program(`gateway-${index}`, "gateway", env);
    return Object.assign(started, { url: `http://127.0.0.1:${port}` });
  };
  const worker = (index: number) =>
    program(`worker-${index}`, "worker", {
      NODES: join(root, "test/chaos/nodes.mjs"),
      DRAIN_SECONDS: "5",
      KILL_SECONDS: "2",
      RETRY_SECONDS: "0.1",
    });

  const gateways: [Gateway, ...Gateway[]] = [await gateway(1)];
  for (let index = 2; index <= options.gateways; index++) gateways.push(await gateway(index));
  const workers: [Program, ...Program[]] = [await worker(1)];
  for (let index = 2; index <= options.workers; index++) workers.push(await worker(index));
  const connection = closers.use(await connectBroker({ url: rabbitmq.amqpUrl, name: "chaos" }));
  const store = closers.use(await openJobStore({ url: redis.url, prefix: PREFIX }));
  await insist({
    what: "the fleet starts",
    timeoutMs: START_MS,
    print: options.print,
    look: async () => {
      const missing: string[] = [];
      for (const { name, url } of gateways) if (!(await isReady(url))) missing.push(name);
      const there = (await store.workers()).length;
      if (there < options.workers) missing.push(`${options.workers - there} workers`);
      return missing;
    },
  });
  return {
    names: topology({ prefix: PREFIX }),
    outputFolder,
    gateways,
    workers,
    broker: rabbitmq.server,
    redis: redis.server,
    redisUrl: redis.url,
    managementUrl,
    async keepLogs() {
      const kept = await mkdtemp(join(tmpdir(), "loom-chaos-logs-"));
      for (const file of await readdir(folder, { recursive: true })) {
        if (file.endsWith(".log"))
          await cp(join(folder, file), join(kept, file.replaceAll("/", "-")));
      }
      return kept;
    },
    log: ({ name }) => readFile(logFileOf(folder, name), "utf8"),
    connection,
    store,
    [Symbol.asyncDispose]: () => closers[Symbol.asyncDispose](),
  };
}

function logFileOf(folder: string, program: string): string {
  return join(folder, `${program}.log`);
}

async function isReady(url: string): Promise<boolean> {
  return await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5_000) }).then(
    ({ status }) => status === 200,
    () => false,
  );
}
