import { hostname } from "node:os";
import { resolve } from "node:path";
import { DEFAULT_POOL, poolSchema } from "@rabbitloom/protocol";
import * as z from "zod";

const flag = z.stringbool();
const list = z.string().transform((text) => text.split(",").map((part) => part.trim()));

const environmentSchema = z.object({
  /** `amqp://user:password@host:port/vhost` */
  AMQP_URL: z.url({ protocol: /^amqps?$/ }).default("amqp://guest:guest@127.0.0.1:5672"),
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).default("redis://127.0.0.1:6379"),
  /** First part of every name on the broker and in Redis. */
  LOOM_PREFIX: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,40}$/)
    .default("loom"),
  HOST: z.string().default("127.0.0.1"),
  PORT: z.coerce.number().int().min(0).max(65_535).default(8188),
  /** How clients reach this gateway, where a proxy stands before it: `https://loom.example.org`. */
  PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  /** Folder that holds `input`, `output`, `temp` and `user`, shared with the workers. */
  DATA_DIR: z.string().default(".loom/data"),
  /** The console's built page; served at `/` when it is there. */
  CONSOLE_DIR: z.string().default("apps/console/dist"),
  /** The broker's Web-STOMP endpoint, which only this gateway talks to. */
  STOMP_URL: z.url({ protocol: /^wss?$/ }).default("ws://127.0.0.1:15674/ws"),
  /** PEM of the RSA key that signs watch tickets; the broker holds its public half. */
  JWT_PRIVATE_KEY_FILE: z.string().default(".loom/keys/jwt-private.pem"),
  JWT_KEY_ID: z.string().default("gw1"),
  JWT_AUDIENCE: z.string().default("rabbitmq"),
  /** Where set, pages of this origin may call: `*` or `https://app.example.org`, several by commas. */
  CORS_ORIGIN: list.optional(),
  /** Bytes of an uploaded body. */
  MAX_UPLOAD_BYTES: z.coerce.number().int().positive().default(104_857_600),
  /** Bytes of a JSON body. */
  MAX_PROMPT_BYTES: z.coerce.number().int().positive().default(16_777_216),
  /** Pools that this gateway declares and accepts jobs for. */
  POOLS: list.pipe(z.array(poolSchema)).default([DEFAULT_POOL]),
  MAX_QUEUE_LENGTH: z.coerce.number().int().positive().default(10_000),
  DELIVERY_LIMIT: z.coerce.number().int().positive().default(3),
  /** How long a watched job's stream stays after the job has ended. */
  STREAM_KEEP_SECONDS: z.coerce.number().positive().default(600),
  TICKET_TTL_SECONDS: z.coerce.number().positive().default(180),
  /** `/readyz` answers 503 while no worker lives, unless this is set: for fleets that scale down to zero. */
  READY_WITHOUT_WORKERS: flag.default(false),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("warn"),
  /** Unique among the gateways that live; part of routing keys. */
  GATEWAY_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
});

export type Config = ReturnType<typeof readConfig>;

/** Reads the environment. Throws with every variable that is wrong, and how. */
export function readConfig(
  environment: Readonly<Record<string, string | undefined>> = process.env,
) {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    throw new Error(`gateway configuration:\n${z.prettifyError(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const env = parsed.data;
  const dataDir = resolve(env.DATA_DIR);
  return {
    amqpUrl: env.AMQP_URL,
    redisUrl: env.REDIS_URL,
    prefix: env.LOOM_PREFIX,
    host: env.HOST,
    port: env.PORT,
    publicUrl: env.PUBLIC_URL?.replace(/\/+$/, ""),
    folders: {
      input: resolve(dataDir, "input"),
      output: resolve(dataDir, "output"),
      temp: resolve(dataDir, "temp"),
      user: resolve(dataDir, "user"),
    },
    consoleDir: resolve(env.CONSOLE_DIR),
    stompUrl: env.STOMP_URL,
    jwt: {
      privateKeyFile: resolve(env.JWT_PRIVATE_KEY_FILE),
      keyId: env.JWT_KEY_ID,
      audience: env.JWT_AUDIENCE,
      ttlSeconds: env.TICKET_TTL_SECONDS,
    },
    corsOrigins: env.CORS_ORIGIN,
    maxUploadBytes: env.MAX_UPLOAD_BYTES,
    maxPromptBytes: env.MAX_PROMPT_BYTES,
    pools: env.POOLS,
    queueLimits: { maxLength: env.MAX_QUEUE_LENGTH, deliveryLimit: env.DELIVERY_LIMIT },
    streamKeepMs: env.STREAM_KEEP_SECONDS * 1000,
    readyWithoutWorkers: env.READY_WITHOUT_WORKERS,
    logLevel: env.LOG_LEVEL,
    gatewayId: env.GATEWAY_ID ?? defaultGatewayId(),
  };
}

/** Host and process: two gateways of one machine differ, and a restarted one is another. */
function defaultGatewayId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .slice(0, 32);
  return `${host}-${process.pid}-${Date.now().toString(36)}`;
}
