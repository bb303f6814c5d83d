import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { JobStore } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import type { TenantFolders } from "../files/tenant-folders.ts";
import { isObject, jsonBody } from "../http/json-body.ts";

type Settings = Readonly<Record<string, unknown>>;

/** One user's settings a tenant, in a file that all gateways share. */
export interface UserSettings {
  read(tenant: string): Promise<Settings>;
  /**
   * Adds to what is there: of two changes of one key the later one stays, and no other key is lost, whichever
   * gateways they came to. Throws STORE_UNAVAILABLE where others hold the file for too long, PAYLOAD_TOO_LARGE where all
   * together are more than a megabyte.
   */
  change(tenant: string, settings: Settings): Promise<void>;
}

export interface UserSettingsOptions {
  readonly foldersOf: TenantFolders;
  readonly store: Pick<JobStore, "lease">;
}

/** A thousand times what a change takes. A gateway that stops for longer in the middle of one loses its turn. */
const TURN_MS = 3_000;
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 10;

/** Of one user's file, which is read for every question: what a page keeps is some kilobytes. */
const MAX_SETTINGS_BYTES = 1_048_576;

export function userSettings({ foldersOf, store }: UserSettingsOptions): UserSettings {
  const folderOf = (tenant: string) => join(foldersOf(tenant).user, "default");
  const fileOf = (tenant: string) => join(folderOf(tenant), "comfy.settings.json");
  /** By tenant. */
  const waiting = new Map<string, Batch>();

  async function read(tenant: string): Promise<Settings> {
    try {
      const parsed = jsonBody(await readFile(fileOf(tenant), "utf8"));
      return isObject(parsed) ? parsed : {};
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOENT") return {};
      throw error;
    }
  }

  /** Written aside first: a reader never sees half a file. */
  async function write(tenant: string, settings: Settings): Promise<void> {
    const text = stringifyJson(settings);
    if (Buffer.byteLength(text) > MAX_SETTINGS_BYTES) {
      throw new CodedError(
        "PAYLOAD_TOO_LARGE",
        `settings: expected at most ${MAX_SETTINGS_BYTES} bytes, of all together`,
      );
    }
    const file = fileOf(tenant);
    await mkdir(folderOf(tenant), { recursive: true });
    const aside = `${file}.${randomUUID()}`;
    await writeFile(aside, text);
    await rename(aside, file);
  }

  /** For one change at a time, over all gateways; of those that wait anybody may be next. */
  async function turnOf(tenant: string): Promise<AsyncDisposable> {
    const [name, holder] = [`settings:${tenant}`, randomUUID()];
    const deadline = performance.now() + PATIENCE_MS;
    while (!(await store.lease(name, holder, TURN_MS))) {
      if (performance.now() > deadline) {
        throw new CodedError("STORE_UNAVAILABLE", "others are writing the settings all the time");
      }
      await delay(LOOK_AGAIN_MS * (0.5 + Math.random()));
    }
    return { [Symbol.asyncDispose]: async () => void (await store.lease(name, holder, 1)) };
  }

  /** Who comes once the file has been read needs a turn of their own. */
  async function writeInTurn(tenant: string, batch: Batch): Promise<void> {
    const close = () => waiting.get(tenant) === batch && waiting.delete(tenant);
    try {
      await using _turn = await turnOf(tenant);
      const before = await read(tenant);
      close();
      await write(tenant, { ...before, ...batch.settings });
    } finally {
      close();
    }
  }

  return {
    read,
    change(tenant, settings) {
      const open = waiting.get(tenant);
      if (open !== undefined) {
        open.settings = { ...open.settings, ...settings };
        return open.written;
      }
      const batch: Batch = { settings, written: Promise.resolve() };
      waiting.set(tenant, batch);
      batch.written = writeInTurn(tenant, batch);
      return batch.written;
    },
  };
}

/** Changes that wait for the same turn. */
interface Batch {
  settings: Settings;
  written: Promise<void>;
}
