import { hostname } from "node:os";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { readRetention, retentionVariables } from "@rabbitloom/jobs";
import {
  DEFAULT_POOL,
  poolSchema,
  readSenders,
  senderVariables,
  webhookSchema,
} from "@rabbitloom/protocol";
import * as z from "zod";
import { authMode } from "./auth/auth-mode.ts";
import { tokenAlgorithms } from "./auth/tokens.ts";

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
  /** Folders with models in ComfyUI's layout, where this machine has them: for what files say of themselves. */
  MODELS_DIR: list.optional(),
  /** A built ComfyUI frontend; served at `/` where it is given, and the console at `/console/`. */
  FRONT_END_ROOT: z.string().optional(),
  /** The console's built page; served at `/` when it is there. */
  CONSOLE_DIR: z.string().default("apps/console/dist"),
  /** The broker's Web-STOMP endpoint, which only this gateway talks to. */
  STOMP_URL: z.url({ protocol: /^wss?$/ }).default("ws://127.0.0.1:15674/ws"),
  /** PEM of the RSA key that signs watch tickets; the broker holds its public half. */
  JWT_PRIVATE_KEY_FILE: z.string().default(".loom/keys/jwt-private.pem"),
  JWT_KEY_ID: z.string().default("gw1"),
  JWT_AUDIENCE: z.string().default("rabbitmq"),
  /** `required`: keys or access tokens. Without it the gateway is open on loopback, and does not start elsewhere. */
  AUTH: z.enum(["open", "required"]).optional(),
  /** Open to everybody who reaches it. */
  INSECURE_OPEN: flag.default(false),
  /** Names by which an open gateway on loopback may be called, beside this machine's own: a container's, a proxy's. */
  ALLOWED_HOSTS: list.default([]).transform((names) => names.map((name) => name.toLowerCase())),
  /** Keys of the identity provider whose access tokens count beside API keys. */
  AUTH_JWKS_URL: z.url({ protocol: /^https?$/ }).optional(),
  AUTH_ISSUER: z.string().min(1).optional(),
  AUTH_AUDIENCE: z.string().min(1).optional(),
  AUTH_ALGORITHMS: list
    .pipe(z.array(z.enum(tokenAlgorithms)).min(1))
    .default(["RS256", "PS256", "ES256", "EdDSA"]),
  AUTH_TENANT_CLAIM: z.string().min(1).default("tenant"),
  AUTH_SCOPE_CLAIM: z.string().min(1).default("scope"),
  AUTH_CLOCK_TOLERANCE_SECONDS: z.coerce.number().min(0).max(300).default(5),
  /** Requests a key may make in a minute, over all gateways. */
  RATE_LIMIT_PER_MINUTE: z.coerce.number().int().positive().default(1_200),
  /** Jobs of one tenant that may wait; 0 is no limit but the queue's. */
  MAX_PENDING_PER_TENANT: z.coerce.number().int().min(0).default(0),
  /** Bytes of one tenant's jobs that wait; 0 is no limit. */
  MAX_PENDING_BYTES_PER_TENANT: z.coerce.number().int().min(0).default(1_073_741_824),
  /** Tenants have queues of their own, and their jobs run by turns. Unset for: where AUTH is required. */
  FAIR_TURNS: flag.optional(),
  /** Jobs of one tenant that may run at once; 0 is no limit. Wants FAIR_TURNS. */
  MAX_RUNNING_PER_TENANT: z.coerce.number().int().min(0).default(0),
  /** A tenant's own queue that nothing was sent to for so long is deleted. */
  TENANT_QUEUE_IDLE_SECONDS: z.coerce.number().positive().default(600),
  ...senderVariables,
  ...retentionVariables,
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
  /** How often streams are looked for that Redis may have forgotten. */
  STRAY_SECONDS: z.coerce.number().positive().max(86_400).default(3_600),
  /** How long an `Idempotency-Key` names its first request. */
  IDEMPOTENCY_KEEP_SECONDS: z.coerce.number().positive().default(86_400),
  TICKET_TTL_SECONDS: z.coerce.number().positive().default(180),
  /** How long jobs may wait that say nothing themselves; 0 is for ever. */
  QUEUE_SECONDS: z.coerce.number().min(0).max(604_800).default(0),
  /**
   * A job whose attempt, or whose message, has been missing for so long is published again. The broker itself notices a
   * lost worker within 30 s.
   */
  MISSING_SECONDS: z.coerce.number().positive().default(60),
  /** `/readyz` answers 503 while no worker lives, unless this is set: for fleets that scale down to zero. */
  READY_WITHOUT_WORKERS: flag.default(false),
  /** Told of every job's end, where the job names no webhook of its own. */
  WEBHOOK_URL: webhookSchema.shape.url.optional(),
  /** `whsec_...`: signs what goes to WEBHOOK_URL. */
  WEBHOOK_SECRET: webhookSchema.shape.secret,
  /** Let webhooks go to addresses of this machine and this network too. */
  WEBHOOK_ALLOW_PRIVATE: flag.default(false),
  WEBHOOK_TIMEOUT_SECONDS: z.coerce.number().positive().default(15),
  /** Pauses before the second, third, ... try; after the last one a delivery is given up. */
  WEBHOOK_RETRY_SECONDS: list
    .pipe(z.array(z.coerce.number<string>().positive()))
    .default([5, 30, 120, 600, 1_800, 3_600, 10_800, 21_600, 43_200]),
  LOG_LEVEL: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("warn"),
  /** Unique among the gateways that live; part of routing keys. */
  GATEWAY_ID: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .optional(),
});

export type Config = ReturnType<typeof readConfig>;

/** Reads the flags and, below them, the environment. Throws with everything that is wrong, and how. */
export function readConfig(
  args: readonly string[] = [],
  environment: Readonly<Record<string, string | undefined>> = process.env,
) {
  const parsed = environmentSchema.safeParse({ ...environment, ...readFlags(args) });
  if (!parsed.success) {
    throw new Error(`gateway configuration:\n${z.prettifyError(parsed.error)}`, {
      cause: parsed.error,
    });
  }
  const env = parsed.data;
  const tokens = tokenOptions(env);
  const publicUrl = env.PUBLIC_URL?.replace(/\/+$/, "");
  const auth = authMode({
    host: env.HOST,
    publicUrl,
    auth: env.AUTH,
    insecureOpen: env.INSECURE_OPEN,
    hasIdentityProvider: tokens !== undefined,
  });
  const dataDir = resolve(env.DATA_DIR);
  return {
    amqpUrl: env.AMQP_URL,
    redisUrl: env.REDIS_URL,
    prefix: env.LOOM_PREFIX,
    host: env.HOST,
    port: env.PORT,
    publicUrl,
    auth,
    // Whoever shows a key is no page of another site.
    allowedHosts: auth === "open" && !env.INSECURE_OPEN ? env.ALLOWED_HOSTS : undefined,
    tokens,
    ratePerMinute: env.RATE_LIMIT_PER_MINUTE,
    maxPendingPerTenant: env.MAX_PENDING_PER_TENANT === 0 ? undefined : env.MAX_PENDING_PER_TENANT,
    maxPendingBytesPerTenant:
      env.MAX_PENDING_BYTES_PER_TENANT === 0 ? undefined : env.MAX_PENDING_BYTES_PER_TENANT,
    turns: turnOptions(env, auth),
    senders: readSenders(env),
    retention: readRetention(env),
    dataDir,
    folders: {
      input: resolve(dataDir, "input"),
      output: resolve(dataDir, "output"),
      temp: resolve(dataDir, "temp"),
      user: resolve(dataDir, "user"),
    },
    modelsDirs: (env.MODELS_DIR ?? []).filter((path) => path !== "").map((path) => resolve(path)),
    consoleDir: resolve(env.CONSOLE_DIR),
    frontEndRoot: env.FRONT_END_ROOT === undefined ? undefined : resolve(env.FRONT_END_ROOT),
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
    strayMs: Math.ceil(env.STRAY_SECONDS * 1000),
    queueSeconds: env.QUEUE_SECONDS,
    missingMs: env.MISSING_SECONDS * 1000,
    idempotencyKeepMs: Math.ceil(env.IDEMPOTENCY_KEEP_SECONDS * 1000),
    webhooks: {
      own:
        env.WEBHOOK_URL === undefined
          ? undefined
          : { url: env.WEBHOOK_URL, secret: env.WEBHOOK_SECRET },
      allowsPrivate: env.WEBHOOK_ALLOW_PRIVATE,
      timeoutMs: env.WEBHOOK_TIMEOUT_SECONDS * 1000,
      retryMs: env.WEBHOOK_RETRY_SECONDS.map((seconds) => seconds * 1000),
    },
    readyWithoutWorkers: env.READY_WITHOUT_WORKERS,
    logLevel: env.LOG_LEVEL,
    gatewayId: env.GATEWAY_ID ?? defaultGatewayId(),
  };
}

/** ComfyUI's own name for it, so that its users find it; everything else is an environment variable. */
function readFlags(args: readonly string[]): Record<string, string> {
  const { values } = parseArgs({
    args: [...args],
    options: { "front-end-root": { type: "string" } },
  });
  const root = values["front-end-root"];
  return root === undefined ? {} : { FRONT_END_ROOT: root };
}

/** Whether and how tenants take turns. */
function turnOptions(env: z.infer<typeof environmentSchema>, auth: "open" | "required") {
  const isOn = env.FAIR_TURNS ?? auth === "required";
  const maxRunning = env.MAX_RUNNING_PER_TENANT;
  if (maxRunning > 0 && !isOn) {
    throw new Error(
      "MAX_RUNNING_PER_TENANT wants FAIR_TURNS=1: in the lanes nobody holds a job back",
    );
  }
  return { isOn, maxRunning, idleMs: env.TENANT_QUEUE_IDLE_SECONDS * 1000 };
}

/** Undefined where no identity provider is named. */
function tokenOptions(env: z.infer<typeof environmentSchema>) {
  const { AUTH_JWKS_URL: jwksUrl, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience } = env;
  if (jwksUrl === undefined) return undefined;
  if (issuer === undefined || audience === undefined) {
    throw new Error(
      "AUTH_JWKS_URL wants AUTH_ISSUER and AUTH_AUDIENCE too: else any token of the provider would do",
    );
  }
  return {
    jwksUrl,
    issuer,
    audience,
    algorithms: env.AUTH_ALGORITHMS,
    tenantClaim: env.AUTH_TENANT_CLAIM,
    scopeClaim: env.AUTH_SCOPE_CLAIM,
    clockToleranceSeconds: env.AUTH_CLOCK_TOLERANCE_SECONDS,
  };
}

/** Host and process: two gateways of one machine differ, and a restarted one is another. */
function defaultGatewayId(): string {
  const host = hostname()
    .replaceAll(/[^A-Za-z0-9_-]/g, "-")
    .slice(0, 32);
  return `${host}-${process.pid}-${Date.now().toString(36)}`;
}
