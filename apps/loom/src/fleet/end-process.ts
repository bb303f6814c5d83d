import { setTimeout as delay } from "node:timers/promises";
import { isAlive, type ProcessIdentity } from "./process-identity.ts";

const POLL_MS = 50;

/** SIGTERM, and after `graceMs` SIGKILL to its whole process group. Does nothing to a process that is another by now. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  if (!(await isAlive(identity))) return;
  signal(identity.pid, "SIGTERM");
  if (await waitForEnd(identity, graceMs)) return;
  signal(-identity.pid, "SIGKILL");
  await waitForEnd(identity, 5_000);
}

/** False where it still lives after `timeoutMs`. */
export async function waitForEnd(identity: ProcessIdentity, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (await isAlive(identity)) {
    if (Date.now() > deadline) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** A negative number is a process group. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // gone in the meantime
  }
}
