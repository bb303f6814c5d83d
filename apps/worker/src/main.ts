import { connectBroker } from "@rabbitloom/broker";
import { type Engine, openEngine } from "@rabbitloom/engine";
import { openJobStore } from "@rabbitloom/jobs";
import { pino } from "pino";
import { readConfig } from "./config.ts";
import { startWorker, type Worker } from "./worker.ts";

const config = readConfig(process.argv.slice(2));
const log = pino({ level: config.logLevel, base: { worker: config.workerId } });

let worker: Worker | undefined;
let isStopping = false;

const broker = await connectBroker({
  url: config.amqpUrl,
  name: `worker ${config.workerId}`,
  waitMs: 60_000,
  onProblem: ({ where, error }) => log.warn({ where, err: error }, "broker"),
});
const store = await openJobStore({
  url: config.redisUrl,
  prefix: config.prefix,
  retention: config.retention,
  name: `worker-${config.workerId}`,
  waitMs: 60_000,
  onProblem: (err) => log.warn({ err }, "store"),
});
const firstEngine = await openEngine(config.engine);
const otherEngines: Engine[] = [];
for (let slot = 1; slot < config.slots; slot++) otherEngines.push(await openEngine(config.engine));
const engines = [firstEngine, ...otherEngines] as const;

const { device } = await firstEngine.catalog();

worker = await startWorker({
  ...config,
  broker,
  store,
  engines: [firstEngine, ...otherEngines],
  log,
  version: "0.0.0",
  device,
  onDrainAsked: stop,
});

function stop(): void {
  const draining = worker?.drain();
  if (isStopping) return;
  isStopping = true;
  void draining
    ?.then(async () => {
      for (const engine of engines) await engine[Symbol.asyncDispose]();
      await broker[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    })
    .catch((err: unknown) => {
      log.error({ err }, "did not stop in order");
      process.exitCode = 1;
    });
}

process.on("SIGTERM", stop);
process.on("SIGINT", stop);
