import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The programs run as they are deployed, compiled: a stale build would be judged otherwise. */
export async function compilePrograms(): Promise<void> {
  const compiler = join(root, "node_modules/.bin/tsc");
  await promisify(execFile)(compiler, ["-b", "apps/gateway", "apps/worker"], { cwd: root });
}
