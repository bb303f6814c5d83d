import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { processIdentitySchema } from "./process-identity.ts";

/** One process of the fleet. */
export const partSchema = z.object({
  /** rabbitmq, epmd, redis, gateway, worker-1, ... */
  name: z.string(),
  kind: z.enum(["rabbitmq", "epmd", "redis", "gateway", "worker"]),
  process: processIdentitySchema,
  /** A worker's name in the fleet's registry. */
  workerId: z.string().optional(),
  logFile: z.string(),
  /** How it ended, where nobody had asked for that. */
  exit: z.string().optional(),
});
export type Part = z.infer<typeof partSchema>;

/**
 * What `./loom up` runs, as the other verbs see it.
 *
 * starting: from the first process on, until a job can run.
 * ready:    a job could run; whether each part still lives is another question.
 * stopping: `down` or Ctrl-C came; the file is removed when all processes are gone.
 */
export const fleetStateSchema = z.object({
  version: z.literal(1),
  phase: z.enum(["starting", "ready", "stopping"]),
  supervisor: processIdentitySchema,
  startedAt: z.iso.datetime(),
  dataDir: z.string(),
  prefix: z.string(),
  /** Empty until known. */
  gatewayUrl: z.string(),
  stompUrl: z.string(),
  amqpUrl: z.string(),
  redisUrl: z.string(),
  managementUrl: z.string(),
  parts: z.array(partSchema),
  /** Remarks of the start: ports that were taken, servers that are not ours. */
  notes: z.array(z.string()),
});
export type FleetState = z.infer<typeof fleetStateSchema>;

const stateFile = (dataDir: string) => join(dataDir, "fleet.json");
const wantedFile = (dataDir: string) => join(dataDir, "wanted.json");
const wantedSchema = z.object({ workers: z.int().nonnegative() });

/** Undefined where no fleet was started in this folder, or where it was stopped in order. */
export async function readState(dataDir: string): Promise<FleetState | undefined> {
  const text = await readFile(stateFile(dataDir), "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  const parsed = fleetStateSchema.safeParse(JSON.parse(text));
  if (!parsed.success) {
    throw new Error(`${stateFile(dataDir)}: ${z.prettifyError(parsed.error)}`);
  }
  return parsed.data;
}

/** Written whole and renamed, so that readers never see half of it. Holds passwords: 0600. */
export async function writeState(state: FleetState): Promise<void> {
  await mkdir(state.dataDir, { recursive: true });
  await writeWhole(stateFile(state.dataDir), state);
}

export async function removeState(dataDir: string): Promise<void> {
  await rm(stateFile(dataDir), { force: true });
  await rm(wantedFile(dataDir), { force: true });
}

/** How many workers the running fleet is asked to have. */
export async function readWantedWorkers(dataDir: string): Promise<number> {
  return wantedSchema.parse(JSON.parse(await readFile(wantedFile(dataDir), "utf8"))).workers;
}

export async function writeWantedWorkers(dataDir: string, workers: number): Promise<void> {
  await writeWhole(wantedFile(dataDir), { workers });
}

async function writeWhole(file: string, content: unknown): Promise<void> {
  const draft = `${file}.${process.pid}.new`;
  await writeFile(draft, `${JSON.stringify(content, undefined, 2)}\n`, { mode: 0o600 });
  await rename(draft, file);
}
