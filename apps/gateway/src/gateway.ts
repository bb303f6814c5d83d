import type { JobStore } from "@rabbitloom/jobs";
import type { JobEvent, Topology } from "@rabbitloom/protocol";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Amqp, AmqpListeners } from "./amqp/ports.ts";
import { catalogCache } from "./catalog/catalog-cache.ts";
import { folderListing } from "./catalog/folder-listing.ts";
import { objectInfo } from "./catalog/object-info.ts";
import { comfyRoutes } from "./comfy/routes.ts";
import type { Config } from "./config.ts";
import { consoleRoutes } from "./console/routes.ts";
import { jobHub } from "./events/job-hub.ts";
import { openJobs } from "./events/open-jobs.ts";
import { recoverEnds } from "./events/recover-ends.ts";
import { wordLeases } from "./events/word-leases.ts";
import { fileLookup } from "./files/file-exists.ts";
import { healthRoutes } from "./health/routes.ts";
import { createServer } from "./http/server.ts";
import { jobRoutes } from "./jobs/routes.ts";
import { metrics } from "./metrics/metrics.ts";
import { timedPublisher } from "./metrics/timed-publisher.ts";
import { promptRoutes } from "./prompts/routes.ts";
import { stompProxy } from "./stomp/proxy.ts";
import { jobIntake } from "./submit/job-intake.ts";
import { readSigningKey } from "./watch/signing-key.ts";
import { streamKeeper } from "./watch/stream-keeper.ts";
import { ticketOffice } from "./watch/ticket.ts";
import { queueStatus } from "./ws/queue-status.ts";
import { socketHub } from "./ws/socket-hub.ts";

export interface GatewayParts {
  readonly config: Config;
  readonly names: Topology;
  readonly store: JobStore;
  readonly openAmqp: (listeners: AmqpListeners) => Promise<Amqp>;
  readonly logger: FastifyBaseLogger;
}

/** The gateway, wired and ready to listen; `close` ends everything that this function began. */
export async function createGateway(parts: GatewayParts): Promise<FastifyInstance> {
  const { config, names, store, logger } = parts;
  const { gatewayId, folders, publicUrl, maxUploadBytes } = config;
  const onError = (error: unknown) => logger.error({ err: error }, "beside the requests");

  const hub = jobHub();
  const numbers = metrics({
    queueSize: () => store.queueSize(),
    workers: async () => (await store.workers()).length,
    sockets: () => sockets.size,
  });
  const open = openJobs();
  const recover = (jobIds: Iterable<string>) => recoverEnds({ hub, store, gatewayId, jobIds });
  const recoverAwaited = () => recover(hub.awaited()).catch(onError);

  const amqp = await parts.openAmqp({
    onEvents: (word, events) => hub.deliver(word, events),
    onGap: () => {
      numbers.gap();
      recover([...hub.awaited(), ...open, ...sockets.jobIds()]).catch(onError);
    },
    onUnreadable: (error) => {
      numbers.unreadable();
      logger.warn({ err: error }, "an event message could not be read");
    },
  });
  const publisher = timedPublisher(amqp.publisher, numbers);
  const leases = wordLeases({ routes: amqp.routes, onError });
  const status = queueStatus(store);
  const sockets = socketHub({ store, publisher, words: leases, status, recover, onError });
  const catalog = catalogCache({ store, onError });
  const keeper = streamKeeper({
    store,
    streams: amqp.streams,
    publisher,
    keepMs: config.streamKeepMs,
  });
  const intake = jobIntake({
    store,
    publisher,
    catalog,
    words: leases,
    fileExists: fileLookup(folders),
    gatewayId,
    pools: config.pools,
    keeper,
    onBegun: ({ jobId, clientId }) => {
      open.add(jobId);
      numbers.begun(jobId);
      sockets.begun(clientId);
    },
    onAccepted: () => numbers.accepted(),
    onRefused: (code, jobId) => {
      if (jobId !== undefined) open.delete(jobId);
      numbers.refused(code, jobId);
    },
  });
  hub.onEvent((event: JobEvent, word) => {
    numbers.observe(event);
    sockets.handle(event, word);
    if (event.type === "job-end") open.delete(event.jobId);
  });
  const timers = [
    setInterval(recoverAwaited, RECOVER_EVERY_MS),
    setInterval(() => keeper.sweep().catch(onError), Math.min(SWEEP_EVERY_MS, config.streamKeepMs)),
  ];
  for (const timer of timers) timer.unref();

  const app = await createServer({ logger, ...config });
  const cancelling = { store, publisher };
  const features = { supports_preview_metadata: true, max_upload_size: maxUploadBytes };
  promptRoutes(app, { ...config, ...cancelling, hub, intake });
  jobRoutes(app, {
    ...cancelling,
    streams: amqp.streams,
    keeper,
    publicUrl,
    tickets: ticketOffice({
      ...config.jwt,
      key: await readSigningKey(config.jwt.privateKeyFile),
      names,
      host: virtualHost(config.amqpUrl),
    }),
  });
  await comfyRoutes(app, {
    ...cancelling,
    intake,
    status,
    folders,
    userFolder: folders.user,
    maxUploadBytes,
    catalog,
    objectInfo: objectInfo(catalog, folderListing(folders)),
    features,
    sockets,
  });
  stompProxy(app, config);
  healthRoutes(app, { ...config, broker: amqp.health, store, catalog, metrics: numbers });
  await consoleRoutes(app, config);

  app.addHook("onClose", async () => {
    for (const timer of timers) clearInterval(timer);
    sockets[Symbol.dispose]();
    catalog[Symbol.dispose]();
    status[Symbol.dispose]();
    leases.close();
    await amqp[Symbol.asyncDispose]();
  });
  return app;
}

/** A job-end can be lost with a connection; whoever still waits then is answered from the store. */
const RECOVER_EVERY_MS = 10_000;
const SWEEP_EVERY_MS = 30_000;

function virtualHost(amqpUrl: string): string {
  const path = new URL(amqpUrl).pathname.slice(1);
  return path === "" ? "/" : decodeURIComponent(path);
}
