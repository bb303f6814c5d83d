import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { inheritedEnvironment, repositoryRoot } from "../config.ts";
import { lastLines, startChild } from "../servers/index.ts";
import { type FleetOptions, fleetArguments } from "./fleet-options.ts";
import { readState } from "./state.ts";

const POLL_MS = 50;

/** Starts a supervisor that outlives this process, and waits until its fleet is ready. Throws with its last words where it ends. */
export async function detachSupervisor(options: FleetOptions): Promise<void> {
  const logFile = join(options.data, "logs", "supervisor.log");
  await rm(logFile, { force: true });
  const child = await startChild({
    command: process.execPath,
    args: [join(repositoryRoot, "apps/loom/dist/main.js"), "supervise", ...fleetArguments(options)],
    logFile,
    env: inheritedEnvironment,
  });
  for (;;) {
    if (child.exit !== undefined) {
      throw new Error(lastLines(await readFile(logFile, "utf8"), 30));
    }
    const state = await readState(options.data);
    if (state?.supervisor.pid === child.pid && state.phase === "ready") break;
    await delay(POLL_MS);
  }
  child.release();
}
