import { join } from "node:path";
import { DEFAULT_TENANT } from "@rabbitloom/protocol";
import type { Folders } from "./folders.ts";

/** Each tenant's folders. */
export type TenantFolders = (tenant: string) => Folders & { readonly user: string };

/**
 * `<data>/{input,output,temp,user}` are the default tenant's, `<data>/tenants/<tenant>/...` every other's: beside each
 * other and not one in the other, so that no subfolder leads from one to the next. Workers know the same rule.
 */
export function tenantFolders(dataDir: string): TenantFolders {
  return (tenant) => {
    const root = tenant === DEFAULT_TENANT ? dataDir : join(dataDir, "tenants", tenant);
    return {
      input: join(root, "input"),
      output: join(root, "output"),
      temp: join(root, "temp"),
      user: join(root, "user"),
    };
  };
}
