import type { Engine } from "@rabbitloom/engine";
import type { FileNumberStore } from "@rabbitloom/jobs";
import type { Logger } from "pino";
import { removeStaleFiles } from "../jobs/stale-files.ts";
import { tenantFolders } from "../jobs/tenant-folders.ts";

export interface LeftoversOptions {
  readonly store: Pick<FileNumberStore, "leftovers" | "forgetLeftover">;
  readonly folders: Engine["folders"];
  readonly log: Logger;
}

/** Nobody waits for it. */
const LOOK_MS = 5_000;

/** Removes what dead workers saved of jobs that were then cancelled or given up. */
export function removeLeftovers({ store, folders, log }: LeftoversOptions): AsyncDisposable {
  async function look(): Promise<void> {
    for (const leftover of await store.leftovers()) {
      if (isOver) return;
      try {
        await removeStaleFiles(tenantFolders(folders, leftover.tenant), [leftover], log);
        await store.forgetLeftover(leftover);
      } catch (err) {
        log.warn({ err, leftover }, "could not remove what a dead attempt wrote");
      }
    }
  }

  let isOver = false;
  let looking: Promise<void> | undefined;
  const timer = setInterval(() => {
    looking ??= look()
      .catch((err: unknown) => log.debug({ err }, "could not ask what is left over"))
      .finally(() => {
        looking = undefined;
      });
  }, LOOK_MS);
  return {
    async [Symbol.asyncDispose]() {
      isOver = true;
      clearInterval(timer);
      await looking;
    },
  };
}
