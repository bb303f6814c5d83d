import type { JobStore } from "@rabbitloom/jobs";
import type { JobEvent, Topology } from "@rabbitloom/protocol";
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Amqp, AmqpListeners } from "./amqp/ports.ts";
import { connections } from "./auth/connections.ts";
import { identifier } from "./auth/identify.ts";
import { passOffice } from "./auth/passes.ts";
import { isOfApiKey, OPEN_PRINCIPAL } from "./auth/principal.ts";
import { rateLimit } from "./auth/rate-limit.ts";
import { authRoutes } from "./auth/routes.ts";
import { tokenReader } from "./auth/tokens.ts";
import { catalogCache } from "./catalog/catalog-cache.ts";
import { folderListing } from "./catalog/folder-listing.ts";
import { objectInfo } from "./catalog/object-info.ts";
import { comfyRoutes } from "./comfy/routes.ts";
import { assetLibrary } from "./comfy-v2/asset-library.ts";
import { v2Routes } from "./comfy-v2/routes.ts";
import type { Config } from "./config.ts";
import { pageRoutes } from "./console/routes.ts";
import { deadLetterRoutes } from "./dead-letters/routes.ts";
import { jobHub } from "./events/job-hub.ts";
import { openJobs } from "./events/open-jobs.ts";
import { endRecovery } from "./events/recover-ends.ts";
import { wordLeases } from "./events/word-leases.ts";
import { fileLookup } from "./files/file-exists.ts";
import { modelFiles } from "./files/model-files.ts";
import { removeStrayUploads } from "./files/stray-uploads.ts";
import { tenantFolders } from "./files/tenant-folders.ts";
import { healthRoutes } from "./health/routes.ts";
import { baseUrl } from "./http/base-url.ts";
import { createServer } from "./http/server.ts";
import { idempotencyKeys } from "./idempotency/keys.ts";
import { jobRoutes } from "./jobs/routes.ts";
import { metrics } from "./metrics/metrics.ts";
import { timedPublisher } from "./metrics/timed-publisher.ts";
import { listedRoutes } from "./openapi/listed-routes.ts";
import { documentRoutes } from "./openapi/routes.ts";
import { promptRoutes } from "./prompts/routes.ts";
import { startSweeps } from "./recover/start-sweeps.ts";
import { stompProxy } from "./stomp/proxy.ts";
import { classChecks } from "./submit/class-checks.ts";
import { jobIntake } from "./submit/job-intake.ts";
import { turnPublisher } from "./turns/turn-publisher.ts";
import { readerPlaces } from "./watch/reader-places.ts";
import { readSigningKey } from "./watch/signing-key.ts";
import { streamKeeper } from "./watch/stream-keeper.ts";
import { ticketOffice } from "./watch/ticket.ts";
import { webhookCourier } from "./webhooks/webhook-courier.ts";
import { queueStatus } from "./ws/queue-status.ts";
import { socketHub } from "./ws/socket-hub.ts";

export interface GatewayParts {
  readonly config: Config;
  readonly names: Topology;
  readonly store: JobStore;
  readonly openAmqp: (listeners: AmqpListeners) => Promise<Amqp>;
  readonly logger: FastifyBaseLogger;
  /** Takes each line of the audit log. */
  readonly auditLine: (line: string) => void;
}

/** The gateway, wired and ready to listen; `close` ends everything that this function began. */
export async function createGateway(parts: GatewayParts): Promise<FastifyInstance> {
  const { config, names, store, logger } = parts;
  const { gatewayId, publicUrl, maxUploadBytes } = config;
  const foldersOf = tenantFolders(config.dataDir);
  const onError = (error: unknown) => logger.error({ err: error }, "beside the requests");

  const hub = jobHub();
  const numbers = metrics({
    queueSize: () => store.queueSize(),
    workers: async () => (await store.workers()).length,
    sockets: () => sockets.size,
  });
  const open = openJobs();
  const { recover, recoverAwaited } = endRecovery({ hub, store, gatewayId });

  const amqp = await parts.openAmqp({
    onEvents: (word, events) => hub.deliver(word, events),
    onClassChecks: (reply) => checks.receive(reply),
    onGap: () => {
      numbers.gap();
      recover([...hub.awaited(), ...open, ...sockets.jobIds()]).catch(onError);
    },
    onStreamFound: (jobId) => store.noteStream(jobId),
    onUnreadable: (error) => {
      numbers.unreadable();
      logger.warn({ err: error }, "an event message could not be read");
    },
  });
  const publisher = turnPublisher({
    publisher: timedPublisher(amqp.publisher, numbers),
    queues: amqp.tenantQueues,
    store,
    health: amqp.health,
    onError,
  });
  const checks = classChecks({
    store,
    send: publisher.sendToWorker,
    replyTo: names.gateway(gatewayId),
    onError: (error) => logger.warn({ err: error }, "a worker could not be asked about nodes"),
  });
  const leases = wordLeases({ routes: amqp.routes, onError });
  const status = queueStatus(store);
  const sockets = socketHub({
    store,
    publisher,
    words: leases,
    status,
    tenantOf: open.tenantOf,
    recover,
    onError,
  });
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
    fileExists: (tenant) => fileLookup(foldersOf(tenant)),
    checks,
    gatewayId,
    queueSeconds: config.queueSeconds,
    maxPending: config.maxPendingPerTenant,
    maxPendingBytes: config.maxPendingBytesPerTenant,
    hasOwnQueues: config.turns.isOn,
    pools: config.pools,
    webhooks: config.webhooks,
    keeper,
    onBegun: (job) => {
      hub.begin(job.jobId);
      open.add(job.jobId, job.tenant);
      numbers.begun(job.jobId);
      sockets.begun(job);
    },
    onAccepted: () => numbers.accepted(),
    onRefused: (code, jobId) => {
      if (jobId !== undefined) open.delete(jobId);
      numbers.refused(code, jobId);
    },
  });
  const courier = webhookCourier({ store, onError, ...config.webhooks });
  hub.onEvent((event: JobEvent, word) => {
    numbers.observe(event);
    sockets.handle(event, word);
    if (event.type === "job-end") open.delete(event.jobId);
    if (event.type === "job-end" || event.type === "job-start") courier.look();
  });
  const library = assetLibrary(store);
  removeStrayUploads(config.dataDir).catch(onError);
  const timers = [
    setInterval(() => recoverAwaited().catch(onError), RECOVER_EVERY_MS),
    setInterval(() => library.sweep(foldersOf).catch(onError), SWEEP_ASSETS_EVERY_MS),
    setInterval(() => keeper.sweep().catch(onError), Math.min(SWEEP_EVERY_MS, config.streamKeepMs)),
  ];
  // Not only with the first sweep: the first second's jobs are counted, too.
  const { isOn: takeTurns, maxRunning } = config.turns;
  if (takeTurns) await store.setTurns({ maxRunning }).catch(onError);
  const sweeps = startSweeps({ config, store, publisher, amqp, logger, onError });
  for (const timer of timers) timer.unref();

  const signingKey = await readSigningKey(config.jwt.privateKeyFile);
  const passes = passOffice(signingKey);
  const { keys } = store;
  const readToken = config.tokens === undefined ? undefined : tokenReader(config.tokens);
  const live = connections({ isLive: (keyId) => keys.isLive(keyId), onError });
  const revocations = keys.onRevoked(live.cutKey, live.doubt);
  const app = await createServer({
    logger,
    identify:
      config.auth === "open" ? async () => OPEN_PRINCIPAL : identifier({ keys, passes, readToken }),
    limit: rateLimit(store, config.ratePerMinute),
    auditLine: parts.auditLine,
    ...config,
  });
  const idempotency = idempotencyKeys({
    store,
    gatewayId,
    keepMs: config.idempotencyKeepMs,
    onError,
  });
  const routes = listedRoutes(app);
  const cancelling = { store, publisher };
  const watching = { streams: amqp.streams, keeper, places: readerPlaces(), connections: live };
  const features = { supports_preview_metadata: true, max_upload_size: maxUploadBytes };
  promptRoutes(app, {
    ...config,
    ...cancelling,
    hub,
    words: leases,
    intake,
    keys: idempotency,
    foldersOf,
  });
  jobRoutes(app, {
    ...cancelling,
    ...watching,
    publicUrl,
    tickets: ticketOffice({
      ...config.jwt,
      key: signingKey,
      names,
      host: virtualHost(config.amqpUrl),
    }),
  });
  await comfyRoutes(app, {
    ...cancelling,
    intake,
    status,
    foldersOf,
    maxUploadBytes,
    catalog,
    modelFiles: modelFiles(config.modelsDirs),
    objectInfo: objectInfo(catalog, (tenant) => folderListing(foldersOf(tenant))),
    features,
    sockets,
    connections: live,
    sweep: () => keeper.sweep().catch(onError),
  });
  authRoutes(app, { keys, passes, publicUrl });
  stompProxy(app, {
    ...config,
    connections: live,
    async isGood({ jobId, keyId }) {
      if (keyId !== undefined && isOfApiKey(keyId) && !(await keys.isLive(keyId))) return false;
      return (await store.view("every-tenant", jobId)) !== undefined;
    },
  });
  await v2Routes(app, {
    ...cancelling,
    intake,
    ...watching,
    keys: idempotency,
    library,
    maxUploadBytes,
    placeOf: (request) => ({
      foldersOf,
      baseUrl: baseUrl(request, publicUrl),
      keepMs: store.keepMs,
    }),
  });
  deadLetterRoutes(app, {
    letters: amqp.letters,
    store,
    publisher,
    gatewayId,
    hasOwnQueues: config.turns.isOn,
    senders: config.senders,
  });
  healthRoutes(app, { ...config, broker: amqp.health, store, catalog, metrics: numbers });
  documentRoutes(app, routes);
  await pageRoutes(app, config);

  app.addHook("onClose", async () => {
    for (const timer of timers) clearInterval(timer);
    await sweeps[Symbol.asyncDispose]();
    sockets[Symbol.dispose]();
    live[Symbol.dispose]();
    revocations[Symbol.dispose]();
    catalog[Symbol.dispose]();
    status[Symbol.dispose]();
    leases.close();
    await idempotency[Symbol.asyncDispose]();
    await courier[Symbol.asyncDispose]();
    await amqp[Symbol.asyncDispose]();
  });
  return app;
}

/** A job-end can be lost with a connection; whoever still waits then is answered from the store. */
const RECOVER_EVERY_MS = 10_000;
const SWEEP_EVERY_MS = 30_000;
const SWEEP_ASSETS_EVERY_MS = 600_000;

function virtualHost(amqpUrl: string): string {
  const path = new URL(amqpUrl).pathname.slice(1);
  return path === "" ? "/" : decodeURIComponent(path);
}
