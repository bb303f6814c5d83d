import type { JobEvent } from "@rabbitloom/protocol";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

/** What the gateway counts, for Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  /** A job's events may come from now on. */
  begun(jobId: string): void;
  /** The broker has confirmed a job. */
  accepted(): void;
  /** A job was refused, with the code that the client was told. */
  refused(code: string, jobId: string | undefined): void;
  observe(event: JobEvent): void;
  /** Times something that the broker confirms. */
  confirmed(kind: "job" | "events" | "control", seconds: number): void;
  /** Events may have been missed while the connection was gone. */
  gap(): void;
  unreadable(): void;
}

export interface Gauges {
  readonly queueSize: () => Promise<number>;
  readonly workers: () => Promise<number>;
  readonly sockets: () => number;
}

const SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800];
const SHORT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];
/** Jobs taken in and not heard of again are not counted for ever. */
const TRACKED_JOBS = 100_000;

export function metrics({ queueSize, workers, sockets }: Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: "rabbitloom_gateway_" });
  const jobs = new Counter({
    name: "rabbitloom_jobs_total",
    help: "Jobs taken in at this gateway that have ended, by outcome.",
    labelNames: ["state"],
    registers,
  });
  const acceptedJobs = new Counter({
    name: "rabbitloom_jobs_accepted_total",
    help: "Jobs taken in at this gateway.",
    registers,
  });
  const refusedJobs = new Counter({
    name: "rabbitloom_jobs_refused_total",
    help: "Jobs that this gateway refused, by error code.",
    labelNames: ["code"],
    registers,
  });
  const queueWait = new Histogram({
    name: "rabbitloom_queue_wait_seconds",
    help: "From taking a job in to the start of its first attempt.",
    buckets: SECONDS,
    registers,
  });
  const runTime = new Histogram({
    name: "rabbitloom_run_seconds",
    help: "From a job's start to its end.",
    labelNames: ["state"],
    buckets: SECONDS,
    registers,
  });
  const eventLag = new Histogram({
    name: "rabbitloom_event_lag_seconds",
    help: "From a worker saying that a job starts or ends to this gateway hearing it.",
    buckets: SHORT_SECONDS,
    registers,
  });
  const redeliveries = new Counter({
    name: "rabbitloom_redeliveries_total",
    help: "Starts of jobs that had been started before.",
    registers,
  });
  const confirms = new Histogram({
    name: "rabbitloom_publish_confirm_seconds",
    help: "From publishing to the broker's confirm.",
    labelNames: ["kind"],
    buckets: SHORT_SECONDS,
    registers,
  });
  const gaps = new Counter({
    name: "rabbitloom_event_gaps_total",
    help: "Times the event subscription was lost and made again.",
    registers,
  });
  const unreadableMessages = new Counter({
    name: "rabbitloom_event_messages_unreadable_total",
    help: "Messages on the event exchange that could not be read.",
    registers,
  });
  new Gauge({
    name: "rabbitloom_queue_size",
    help: "Jobs of the fleet that are pending or running.",
    registers,
    async collect() {
      this.set(await queueSize().catch(() => Number.NaN));
    },
  });
  new Gauge({
    name: "rabbitloom_workers",
    help: "Workers of the fleet that are alive.",
    registers,
    async collect() {
      this.set(await workers().catch(() => Number.NaN));
    },
  });
  new Gauge({
    name: "rabbitloom_sockets",
    help: "Open sockets of /ws at this gateway.",
    registers,
    collect() {
      this.set(sockets());
    },
  });
  /** Milliseconds at which the jobs taken in here came, until they start and end. */
  const tracked = new Map<string, { readonly at: number; startedAt: number | undefined }>();

  return {
    registry,
    begun(jobId) {
      tracked.set(jobId, { at: Date.now(), startedAt: undefined });
      const [oldest] = tracked.keys();
      if (tracked.size > TRACKED_JOBS && oldest !== undefined) tracked.delete(oldest);
    },
    accepted: () => acceptedJobs.inc(),
    refused(code, jobId) {
      refusedJobs.inc({ code });
      if (jobId !== undefined) tracked.delete(jobId);
    },
    observe(event) {
      const job = tracked.get(event.jobId);
      if (job === undefined) return;
      if (event.type !== "job-start" && event.type !== "job-end") return;
      const at = Date.parse(event.at);
      eventLag.observe(Math.max(0, Date.now() - at) / 1000);
      if (event.type === "job-start") {
        if (event.attempt > 1) redeliveries.inc();
        if (job.startedAt === undefined) queueWait.observe(Math.max(0, at - job.at) / 1000);
        job.startedAt = at;
      } else {
        tracked.delete(event.jobId);
        jobs.inc({ state: event.state });
        if (job.startedAt !== undefined) {
          runTime.observe({ state: event.state }, Math.max(0, at - job.startedAt) / 1000);
        }
      }
    },
    confirmed: (kind, seconds) => confirms.observe({ kind }, seconds),
    gap: () => gaps.inc(),
    unreadable: () => unreadableMessages.inc(),
  };
}
