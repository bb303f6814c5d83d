import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { DEFAULT_TENANT } from "@rabbitloom/protocol";
import { UPLOAD_PREFIX } from "./place-file.ts";
import { tenantFolders } from "./tenant-folders.ts";

/** Six times what a request may take to arrive: other gateways receive into the same folders. */
const ABANDONED_MS = 3_600_000;

/** Removes, of all tenants, what a gateway was receiving when it was killed. Answers how many files there were. */
export async function removeStrayUploads(dataDir: string): Promise<number> {
  const foldersOf = tenantFolders(dataDir);
  const others = await readdir(join(dataDir, "tenants")).catch(() => []);
  let removed = 0;
  for (const tenant of [DEFAULT_TENANT, ...others]) {
    const { temp } = foldersOf(tenant);
    const names = await readdir(temp).catch(() => []);
    for (const name of names.filter((each) => each.startsWith(UPLOAD_PREFIX))) {
      const path = join(temp, name);
      const facts = await stat(path).catch(() => undefined);
      if (facts === undefined || Date.now() - facts.mtimeMs < ABANDONED_MS) continue;
      await rm(path, { force: true });
      removed += 1;
    }
  }
  return removed;
}
