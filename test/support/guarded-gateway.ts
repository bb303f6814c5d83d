import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type JobStore, type NewKey, openJobStore } from "@rabbitloom/jobs";
import { decodeJob, nodeCatalogSchema, parseJson, topology } from "@rabbitloom/protocol";
import { pino } from "pino";
import { readConfig } from "../../apps/gateway/src/config.ts";
import { tenantFolders } from "../../apps/gateway/src/files/tenant-folders.ts";
import { createGateway } from "../../apps/gateway/src/gateway.ts";
import { savePrompt } from "../../apps/gateway/test/support/instant-worker.ts";
import { type MemoryAmqp, memoryAmqp } from "../../apps/gateway/test/support/memory-amqp.ts";
import { signingKey, type TestGateway } from "../../apps/gateway/test/support/test-gateway.ts";
import { openRedis } from "./redis.ts";

/** A request, as far as these tests need one. */
export interface Ask {
  readonly method?: "GET" | "POST" | "DELETE";
  readonly url: string;
  readonly payload?: string;
}

/** A gateway that asks for credentials, over a real Redis and a broker in memory. */
export interface GuardedGateway extends AsyncDisposable {
  readonly app: TestGateway["app"];
  readonly store: JobStore;
  readonly amqp: MemoryAmqp;
  /** Lines of the audit log so far. */
  readonly audit: readonly string[];
  /** Makes a key and answers the headers that carry it. */
  bearer(key: NewKey): Promise<{ readonly authorization: string; readonly keyId: string }>;
  /** Sends a job with a key's headers; it waits. */
  submit(headers: Readonly<Record<string, string>>, clientId?: string): Promise<string>;
  /** Runs a waiting job to its end, with one picture saved. */
  finish(jobId: string, filename: string): Promise<void>;
}

export async function guardedGateway(
  environment: Readonly<Record<string, string>> = {},
): Promise<GuardedGateway> {
  const redis = await openRedis();
  const folder = await mkdtemp(join(tmpdir(), "loom-guarded-"));
  const config = readConfig([], {
    DATA_DIR: join(folder, "data"),
    JWT_PRIVATE_KEY_FILE: join(folder, "jwt-private.pem"),
    CONSOLE_DIR: join(folder, "console"),
    GATEWAY_ID: "gw-test",
    LOG_LEVEL: "silent",
    AUTH: "required",
    ...environment,
  });
  await writeFile(config.jwt.privateKeyFile, signingKey);
  const store = await openJobStore({ url: redis.redisUrl, prefix: redis.prefix });
  await announceWorker(store);
  let amqp: MemoryAmqp | undefined;
  const audit: string[] = [];
  const app = await createGateway({
    config,
    names: topology({ prefix: redis.prefix }),
    store,
    logger: pino({ level: "silent" }),
    auditLine: (line) => audit.push(line),
    openAmqp: async (listeners) => {
      amqp = memoryAmqp(listeners);
      return amqp;
    },
  });
  if (amqp === undefined) throw new Error("the gateway did not open its broker");

  return {
    app,
    store,
    amqp,
    audit,
    async bearer(key) {
      const { key: made, secret } = await store.keys.create(key);
      return { authorization: `Bearer ${secret}`, keyId: made.id };
    },
    async submit({ authorization = "" }, clientId) {
      const answer = await app.inject({
        method: "POST",
        url: "/prompt",
        headers: { authorization },
        payload: JSON.stringify({ prompt: savePrompt, client_id: clientId }),
      });
      if (answer.statusCode !== 200) throw new Error(`not taken: ${answer.body}`);
      return String(answer.json<{ prompt_id: string }>().prompt_id);
    },
    async finish(jobId, filename) {
      const body = amqp?.jobs.find((job) => job.jobId === jobId)?.body ?? "";
      const message = decodeJob({ text: body });
      const claim = await store.claim({ message, workerId: "w" });
      if (claim.type !== "claimed") throw new Error(`not claimed: ${claim.type}`);
      const path = join(tenantFolders(config.dataDir)(message.tenant).output, filename);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, "picture");
      const images = [{ filename, subfolder: "", type: "output" }];
      await store.finish(jobId, claim.attempt, {
        state: "succeeded",
        outputs: { "2": { images } },
        lastSeq: 2,
      });
    },
    async [Symbol.asyncDispose]() {
      await app.close();
      await store[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function announceWorker(store: JobStore): Promise<void> {
  const file = new URL("../../apps/gateway/test/fixtures/catalog.json", import.meta.url);
  const nodes = nodeCatalogSchema.parse(parseJson(await readFile(file, "utf8")));
  const at = new Date().toISOString();
  await store.announce(
    {
      v: 1,
      workerId: "w",
      pid: process.pid,
      host: "test",
      version: "test",
      pool: "default",
      state: "idle",
      device: { name: "cpu", type: "cpu", totalMemoryBytes: 0, freeMemoryBytes: 0 },
      startedAt: at,
      heartbeatAt: at,
      catalogDigest: "one",
    },
    { nodes, models: {} },
  );
}
