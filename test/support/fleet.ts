import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Broker,
  connectBroker,
  declareTopology,
  openPublisher,
  type Publisher,
} from "@rabbitloom/broker";
import { openEngine } from "@rabbitloom/engine";
import { type JobStore, openJobStore } from "@rabbitloom/jobs";
import {
  encodeJob,
  type JobMessageInput,
  type JobQueueOptions,
  jobMessageSchema,
  type Prompt,
  type Senders,
  type Topology,
  topology,
} from "@rabbitloom/protocol";
import { pino } from "pino";
import { startWorker, type Worker } from "../../apps/worker/src/worker.ts";
import { openBroker, type SharedBroker } from "./broker.ts";
import { type JobWatch, watchJobs } from "./job-watch.ts";
import { deleteByPrefix } from "./management.ts";
import { openRedis, type TestRedis } from "./redis.ts";
import { toyNodes } from "./toy-pack.ts";
import { spawnWorker, type WorkerProcess } from "./worker-process.ts";

/** A broker, a store and as many workers as a test asks for, under names that no other test uses. */
export interface TestFleet extends AsyncDisposable {
  readonly names: Topology;
  readonly prefix: string;
  readonly amqpUrl: string;
  readonly connection: Broker;
  readonly publisher: Publisher;
  readonly store: JobStore;
  readonly jobs: JobWatch;
  readonly dataDir: string;
  /** Of the workers that `startWorker` started, in order. */
  readonly healthUrls: readonly string[];
  /** Submits as a gateway does: record first, then the message. Answers the id. */
  submit(prompt: Prompt, options?: SubmitOptions): Promise<string>;
  /** Sends a message to a lane as a service does, whatever it says. */
  send(body: string, options?: SendOptions): Promise<void>;
  /** A worker in this process, whose engine runs here too; stopped at the end of the test. */
  startWorker(options?: StartOptions): Promise<Worker>;
  /** A worker in a process of its own, killed at the end of the test. */
  spawnWorker(variables?: Readonly<Record<string, string>>): Promise<WorkerProcess>;
}

export type SubmitOptions = Partial<Omit<JobMessageInput, "prompt">>;

export interface SendOptions {
  readonly key?: string;
  readonly messageId?: string;
  readonly replyTo?: string;
  readonly correlationId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly userId?: string;
}

export interface StartOptions {
  readonly workerId?: string;
  readonly pool?: string;
  readonly drainMs?: number;
  readonly slots?: number;
  /** Where not everybody is believed whose a job is. */
  readonly senders?: Senders;
}

export interface FleetOptions {
  readonly broker?: SharedBroker;
  readonly redis?: TestRedis;
  readonly queueLimits?: JobQueueOptions;
}

export async function openFleet(options: FleetOptions = {}): Promise<TestFleet> {
  const { queueLimits = {} } = options;
  const closers: (() => unknown)[] = [];
  const later = <Thing extends AsyncDisposable>(thing: Thing): Thing => {
    closers.push(() => thing[Symbol.asyncDispose]());
    return thing;
  };
  const broker = options.broker ?? later(await openBroker());
  const redis = options.redis ?? later(await openRedis());
  const { prefix } = redis;
  const names = topology({ prefix });
  const dataDir = await mkdtemp(join(tmpdir(), "loom-fleet-"));
  closers.push(() => rm(dataDir, { recursive: true, force: true }));
  closers.push(() => deleteByPrefix(broker.managementUrl, prefix));

  const connection = later(await connectBroker({ url: broker.amqpUrl, name: "test" }));
  const store = later(await openJobStore({ url: redis.redisUrl, prefix }));
  await declareTopology(connection, names, queueLimits);
  const publisher = later(openPublisher(connection));
  const jobs = later(await watchJobs(connection, names));
  const healthUrls: string[] = [];
  let count = 0;

  return {
    names,
    prefix,
    amqpUrl: broker.amqpUrl,
    connection,
    publisher,
    store,
    jobs,
    dataDir,
    healthUrls,
    async submit(prompt, given = {}) {
      count += 1;
      const jobId = given.jobId ?? `job-${count}`;
      const message = { ...jobMessageSchema.parse({ ...given, prompt }), jobId };
      await store.submit({ message });
      const { body, ...properties } = encodeJob(message);
      await publisher.publish({
        ...properties,
        exchange: names.jobs.exchange,
        routingKey: names.jobs.key(message.lane, message.pool),
        body: Buffer.from(body),
        persistent: true,
        mandatory: true,
      });
      return jobId;
    },
    async send(body, { key = "normal.default", ...properties } = {}) {
      await publisher.publish({
        exchange: names.jobs.exchange,
        routingKey: key,
        body: Buffer.from(body),
        persistent: true,
        ...properties,
      });
    },
    async startWorker({ workerId, pool = "default", drainMs = 5_000, slots = 1, senders } = {}) {
      count += 1;
      const folder = (name: string) => join(dataDir, name);
      const open = () =>
        openEngine({
          inline: true,
          input: folder("input"),
          output: folder("output"),
          temp: folder("temp"),
          nodes: toyNodes,
        });
      const others = await Promise.all(Array.from({ length: slots - 1 }, open));
      const worker: Worker = await startWorker({
        broker: connection,
        store,
        engines: [await open(), ...others],
        log: pino({ level: process.env.TEST_LOG ?? "silent" }),
        workerId: workerId ?? `worker-${count}`,
        version: "test",
        prefix,
        pool,
        device: "cpu",
        queueLimits,
        health: { host: "127.0.0.1", port: 0 },
        retryMs: 50,
        limits: {
          usual: { runMs: 0, silenceMs: 0 },
          most: { runMs: 0, silenceMs: 0 },
        },
        pathNames: new Map([[process.cwd(), "."]]),
        drainMs,
        senders,
        onDrainAsked: () => void worker.drain(),
      });
      healthUrls.push(worker.healthUrl);
      closers.push(() => worker.drain());
      return worker;
    },
    async spawnWorker(variables = {}) {
      const worker = await spawnWorker({
        AMQP_URL: broker.amqpUrl,
        REDIS_URL: redis.redisUrl,
        LOOM_PREFIX: prefix,
        DATA_DIR: dataDir,
        RETRY_SECONDS: "0.05",
        ...variables,
      });
      closers.push(() => worker.kill("SIGKILL"));
      return worker;
    },
    async [Symbol.asyncDispose]() {
      for (const close of closers.reverse()) await close();
    },
  };
}
