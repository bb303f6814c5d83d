import { basename, dirname, join } from "node:path";
import type { Engine } from "@rabbitloom/engine";
import { DEFAULT_TENANT } from "@rabbitloom/protocol";

/**
 * A tenant's folders: the engine's own are the default tenant's, every other's are `tenants/<tenant>/...` beside them.
 * Gateways know the same rule.
 */
export function tenantFolders(folders: Engine["folders"], tenant: string): Engine["folders"] {
  if (tenant === DEFAULT_TENANT) return folders;
  const beside = (folder: string) => join(dirname(folder), "tenants", tenant, basename(folder));
  return {
    input: beside(folders.input),
    output: beside(folders.output),
    temp: beside(folders.temp),
  };
}
