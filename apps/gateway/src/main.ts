import { mkdir } from "node:fs/promises";
import { connectBroker } from "@rabbitloom/broker";
import { openJobStore } from "@rabbitloom/jobs";
import { topology } from "@rabbitloom/protocol";
import { pino } from "pino";
import { openAmqp } from "./amqp/open-amqp.ts";
import { readConfig } from "./config.ts";
import { createGateway } from "./gateway.ts";

const config = readConfig(process.argv.slice(2));
const logger = pino({ level: config.logLevel, base: { gatewayId: config.gatewayId } });
await Promise.all(
  Object.values(config.folders).map((folder) => mkdir(folder, { recursive: true })),
);

const store = await openJobStore({
  url: config.redisUrl,
  prefix: config.prefix,
  retention: config.retention,
  name: `gateway ${config.gatewayId}`,
  onProblem: (error) => logger.warn({ err: error }, "Redis"),
});
const broker = await connectBroker({
  url: config.amqpUrl,
  name: `gateway ${config.gatewayId}`,
  onProblem: ({ where, error }) => logger.warn({ err: error, where }, "RabbitMQ"),
});
const names = topology({ prefix: config.prefix });
const app = await createGateway({
  config,
  names,
  store,
  logger,
  auditLine: (line) => console.log(line),
  openAmqp: (listeners) =>
    openAmqp({
      ...listeners,
      broker,
      names,
      gatewayId: config.gatewayId,
      pools: config.pools,
      limits: config.queueLimits,
      strayMs: config.strayMs,
      senders: config.senders,
    }),
});
const address = await app.listen({ host: config.host, port: config.port });
// The one line that whoever starts a gateway waits for, whatever the log level.
console.log(JSON.stringify({ event: "gateway-ready", url: address, gatewayId: config.gatewayId }));

let isStopping = false;
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.on(signal, () => {
    if (isStopping) return;
    isStopping = true;
    void stop();
  });
}

/** Requests under way are answered first; waiting ones are cut, their jobs go on. */
async function stop(): Promise<void> {
  try {
    await app.close();
    await broker[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  } catch (error) {
    logger.error({ err: error }, "shutting down");
    process.exitCode = 1;
  }
  // A connection that does not close in time must not keep the process.
  setTimeout(() => process.exit(), 2_000).unref();
}
