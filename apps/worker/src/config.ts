import { hostname } from "node:os";
import { basename, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { machineMemoryBytes } from "@rabbitloom/engine";
import { readRetention, retentionVariables } from "@rabbitloom/jobs";
import {
  commaListSchema,
  DEFAULT_POOL,
  poolSchema,
  readSenders,
  senderVariables,
} from "@rabbitloom/protocol";
import * as z from "zod";
import type { AttemptLimits } from "./jobs/time-limits.ts";

/** Where this program and its packages are, as tracebacks name it. */
const PROGRAM_ROOT = resolve(fileURLToPath(new URL("../../..", import.meta.url)));

const BYTE_UNITS = { MB: 1e6, GB: 1e9, MiB: 2 ** 20, GiB: 2 ** 30 };

/** In bytes; a percentage is one of the machine's memory, or of the container's limit. */
const byteSizeSchema = z
  .string()
  .regex(/^\d+(\.\d+)?(MB|GB|MiB|GiB|%)$/, "expected a size such as 12GB, 800MB, 8GiB or 40%")
  .transform((text) => {
    if (text.endsWith("%")) return (parseFloat(text) / 100) * machineMemoryBytes();
    const [, bytes = 1] = Object.entries(BYTE_UNITS).find(([unit]) => text.endsWith(unit)) ?? [];
    return parseFloat(text) * bytes;
  })
  .refine((bytes) => bytes > 0, "expected more than nothing");

/** A week, as a job itself may ask for. */
const MOST_SECONDS = 604_800;

const environmentSchema = z.object({
  /** `amqp://user:password@host:port/vhost` */
  AMQP_URL: z.url({ protocol: /^amqps?$/ }).default("amqp://guest:guest@127.0.0.1:5672"),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).default("redis://127.0.0.1:6379"),
  /** First part of every name on the broker and in Redis. */
  LOOM_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,40}$/)
    .default("loom"),
  /** The pool whose jobs this worker takes. */
  POOL: poolSchema.default(DEFAULT_POOL),
  /** Jobs at once; each has an engine process of its own. */
  SLOTS: z.coerce.number().int().min(1).max(64).default(1),
  /** Folder that holds `input`, `output` and `temp`, shared with the gateways. */
  DATA_DIR: z.string().default(".loom/data"),
  /** Roots of model folders in ComfyUI's layout, several by commas; earlier ones win. */
  MODELS_DIR: commaListSchema.default([]),
  /** Node packs: paths or package names, several by commas. */
  NODES: commaListSchema.default([]),
  /** `cpu`, `cuda`, `cuda:1`, `webgpu`, ..., or `auto` for the first that works. */
  DEVICE: z.string().default("cpu"),
  /** `int8`: 8 bits for the large layers of diffusion models, on the CPU. */
  PRECISION: z.enum(["full", "int8"]).default("full"),
  /** Memory for models, of all slots together: `12GB`, `800MB`, `8GiB`, or `40%` of what there is. */
  MEMORY_BUDGET: byteSizeSchema.prefault("75%"),
  /** That compute at once, of each slot. Unset for one a core, or what the container may use. */
  THREADS: z.coerce.number().int().min(1).max(1_024).optional(),
  /** Where `GET /health` is answered; 0 takes a free port. */
  HEALTH_HOST: z.string().default("127.0.0.1"),
  HEALTH_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
  /** How long running jobs may go on after SIGTERM before they are handed back. */
  DRAIN_SECONDS: z.coerce.number().min(0).default(30),
  /** How long a cancelled job may go on before the engine's process is killed. */
  KILL_SECONDS: z.coerce.number().min(0).default(10),
  /**
   * How long an attempt may run, and be silent; 0 is for ever. A job may ask for less. Unset: six hours and half an hour where
   * its job says nothing, and whatever it says.
   */
  RUN_SECONDS: z.coerce.number().min(0).max(MOST_SECONDS).optional(),
  SILENCE_SECONDS: z.coerce.number().min(0).max(MOST_SECONDS).optional(),
  /** First wait before a job whose attempt failed is delivered again; each later wait is twice as long. */
  RETRY_SECONDS: z.coerce.number().min(0).default(1),
  /** Limits of the lanes: every gateway and worker of a fleet needs the same ones. */
  MAX_QUEUE_LENGTH: z.coerce.number().int().positive().default(10_000),
  DELIVERY_LIMIT: z.coerce.number().int().positive().default(3),
  ...senderVariables,
  ...retentionVariables,
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  /** Unique among the workers that live. */
  WORKER_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
});

/** Flags stand for the variable of the same name: `--health-port 9000` is HEALTH_PORT=9000. */
const flagNames = [
  "amqp-url",
  "redis-url",
  "loom-prefix",
  "pool",
  "slots",
  "data-dir",
  "models-dir",
  "nodes",
  "device",
  "precision",
  "memory-budget",
  "threads",
  "health-host",
  "health-port",
  "drain-seconds",
  "kill-seconds",
  "run-seconds",
  "silence-seconds",
  "retry-seconds",
  "max-queue-length",
  "delivery-limit",
  "log-level",
  "worker-id",
] as const;

export type Config = ReturnType<typeof readConfig>;

/** Reads flags and, below them, the environment. Throws with everything that is wrong, and how. */
export function readConfig(
  args: readonly string[] = [],
  environment: Readonly<Record<string, string | undefined>> = process.env,
) {
  const parsed = environmentSchema.safeParse({ ...environment, ...readFlags(args) });
  if (!parsed.success) {
    throw new Error(`worker configuration:\n${z.prettifyError(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const env = parsed.data;
  const dataDir = resolve(env.DATA_DIR);
  return {
    amqpUrl: env.AMQP_URL,
    redisUrl: env.REDIS_URL,
    prefix: env.LOOM_PREFIX,
    workerId: env.WORKER_ID ?? defaultWorkerId(),
    pool: env.POOL,
    slots: env.SLOTS,
    engine: {
      input: resolve(dataDir, "input"),
      output: resolve(dataDir, "output"),
      temp: resolve(dataDir, "temp"),
      models: env.MODELS_DIR.map((folder) => resolve(folder)),
      nodes: env.NODES,
      device: env.DEVICE,
      precision: env.PRECISION,
      memoryBudgetBytes: env.MEMORY_BUDGET / env.SLOTS,
      ...(env.THREADS !== undefined && { threads: env.THREADS }),
      killAfterMs: env.KILL_SECONDS * 1_000,
    },
    /** What errors call the places of files that a job's owner need not know. */
    pathNames: new Map([
      ...env.MODELS_DIR.map((folder) => [resolve(folder), "models"] as const),
      ...env.NODES.filter((pack) => pack.includes("/")).map(
        (pack) => [resolve(pack), basename(pack)] as const,
      ),
      ...[process.cwd(), PROGRAM_ROOT]
        .filter((folder) => folder !== "/")
        .map((folder) => [folder, "."] as const),
    ]),
    health: { host: env.HEALTH_HOST, port: env.HEALTH_PORT },
    drainMs: env.DRAIN_SECONDS * 1_000,
    limits: {
      usual: limitsIn(env, USUAL_SECONDS),
      most: limitsIn(env, { run: 0, silence: 0 }),
    },
    retryMs: env.RETRY_SECONDS * 1_000,
    queueLimits: { maxLength: env.MAX_QUEUE_LENGTH, deliveryLimit: env.DELIVERY_LIMIT },
    senders: readSenders(env),
    retention: readRetention(env),
    logLevel: env.LOG_LEVEL,
  };
}

/** Where the operator has set nothing. */
const USUAL_SECONDS = { run: 21_600, silence: 1_800 };

function limitsIn(
  env: Pick<z.infer<typeof environmentSchema>, "RUN_SECONDS" | "SILENCE_SECONDS">,
  unset: typeof USUAL_SECONDS,
): AttemptLimits {
  return {
    runMs: (env.RUN_SECONDS ?? unset.run) * 1_000,
    silenceMs: (env.SILENCE_SECONDS ?? unset.silence) * 1_000,
  };
}

function readFlags(args: readonly string[]): Record<string, string> {
  const { values } = parseArgs({
    args: [...args],
    options: Object.fromEntries(flagNames.map((name) => [name, { type: "string" as const }])),
  });
  const variables: Record<string, string> = {};
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === "string") variables[name.replaceAll("-", "_").toUpperCase()] = value;
  }
  return variables;
}

/** Host and process: two workers of one machine differ, and a restarted one is another. */
function defaultWorkerId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .slice(0, 32);
  return `${host}-${process.pid}-${Date.now().toString(36)}`;
}
