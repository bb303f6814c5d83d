import { createHash } from "node:crypto";
import type { Engine } from "@rabbitloom/engine";
import type { FleetCatalog } from "@rabbitloom/jobs";
import { stringifyJson } from "@rabbitloom/protocol";
import type { Logger } from "pino";

export interface DigestedCatalog extends FleetCatalog {
  /** Workers that show the same one are interchangeable. */
  readonly digest: string;
}

/** What this worker can do, as its engine sees it now. */
export async function readCatalog(engine: Engine, log: Logger): Promise<DigestedCatalog> {
  const { nodes, models, failedPacks } = await engine.catalog();
  for (const { name, problem } of failedPacks)
    log.error({ pack: name, problem }, "a pack is broken");
  const digest = createHash("sha256")
    .update(stringifyJson([nodes, models]))
    .digest("hex");
  return { nodes, models, digest: digest.slice(0, 32) };
}
