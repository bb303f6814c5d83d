import type { JobStore } from "@rabbitloom/jobs";
import type { FastifyInstance } from "fastify";
import type { BrokerHealth } from "../amqp/ports.ts";
import type { CatalogCache } from "../catalog/catalog-cache.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { operation } from "../openapi/operation.ts";
import { readLiveness, readMetrics, readReadiness } from "./operations.ts";

export interface HealthOptions {
  readonly broker: BrokerHealth;
  readonly store: Pick<JobStore, "ping" | "workers">;
  readonly catalog: CatalogCache;
  readonly metrics: Metrics;
  readonly gatewayId: string;
  /** A fleet that scales down to zero is ready without a worker. */
  readonly readyWithoutWorkers: boolean;
}

/** `/livez`: the process answers. `/readyz`: a job sent now would run. `/metrics`: numbers for Prometheus. */
export function healthRoutes(app: FastifyInstance, options: HealthOptions): void {
  const { broker, store, catalog, metrics, gatewayId, readyWithoutWorkers } = options;

  app.get("/livez", operation(readLiveness, "public"), async () => ({ status: "ok", gatewayId }));

  app.get("/readyz", operation(readReadiness, "public"), async (_request, reply) => {
    const workers = await store.workers().then(
      (alive) => ({ redis: "ok", count: alive.length }),
      // Whoever asks shows no credentials: where it is and what it said is for the log.
      () => ({ redis: "unavailable", count: 0 }),
    );
    const hasCatalog = catalog.current !== undefined;
    const isReady =
      broker.state === "ready" &&
      workers.redis === "ok" &&
      hasCatalog &&
      (workers.count > 0 || readyWithoutWorkers);
    return reply
      .code(isReady ? 200 : 503)
      .header("cache-control", "no-store")
      .send({
        status: isReady ? "ready" : "not ready",
        broker: broker.state === "ready" ? "ok" : broker.state,
        redis: workers.redis,
        workers: workers.count,
        catalog: hasCatalog ? "ok" : "none yet",
        gatewayId,
      });
  });

  app.get("/metrics", operation(readMetrics, "read-all"), async (_request, reply) =>
    reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  );
}
