import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import * as z from "zod";

/** A process as it was when it was noted: a later one with the same number has another start. */
export const processIdentitySchema = z.object({
  pid: z.int().positive(),
  /** Clock ticks since boot on Linux, a date elsewhere; only ever compared. */
  started: z.string(),
});
export type ProcessIdentity = z.infer<typeof processIdentitySchema>;

/** Undefined where no such process lives. A zombie, ended but not yet waited for, does not live. */
export async function identifyProcess(pid: number): Promise<ProcessIdentity | undefined> {
  const started = process.platform === "linux" ? await linuxStart(pid) : await psStart(pid);
  return started === undefined ? undefined : { pid, started };
}

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await identifyProcess(identity.pid))?.started === identity.started;
}

async function linuxStart(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => undefined);
  // proc_pid_stat(5): the name stands in parentheses and may hold any character; fields count from 3 after it.
  const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state] = fields ?? [];
  return state === "Z" || state === "X" ? undefined : fields?.[22 - 3];
}

async function psStart(pid: number): Promise<string | undefined> {
  const ps = promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]);
  return await ps.then(
    ({ stdout }) => stdout.trim() || undefined,
    () => undefined,
  );
}
