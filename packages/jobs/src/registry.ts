import { createHash } from "node:crypto";
import {
  modelCatalogSchema,
  nodeCatalogSchema,
  parseJson,
  stringifyJson,
  workerRegistrationSchema,
} from "@rabbitloom/protocol";
import * as z from "zod";
import type { JobStore } from "./job-store.ts";
import { announceScript, catalogScript, retireScript, workersScript } from "./scripts/registry.ts";
import type { StoreContext } from "./store-context.ts";
import type { FleetCatalog } from "./store-types.ts";

type KnownCatalog = FleetCatalog & { readonly digest: string };

/** Who is there, and what they can do. `workerTtlMs`: a worker silent for longer is gone. */
export function registry(
  { run }: StoreContext,
  workerTtlMs: number,
): Pick<JobStore, "announce" | "retire" | "workers" | "catalog"> {
  let version = "";
  let known: KnownCatalog | undefined;

  return {
    async announce(worker, catalog) {
      const answer = await run(
        announceScript,
        worker.workerId,
        JSON.stringify(worker),
        workerTtlMs,
        `${worker.pool}:${worker.catalogDigest}`,
        catalog === undefined ? "" : stringifyJson(catalog),
      );
      return answer === 1;
    },

    async retire(workerId) {
      await run(retireScript, workerId);
    },

    async workers() {
      const texts = z.array(z.string()).parse(await run(workersScript));
      return texts
        .map((text) => workerRegistrationSchema.parse(JSON.parse(text)))
        .sort((a, b) => (a.workerId < b.workerId ? -1 : 1));
    },

    async catalog() {
      const [current, ...texts] = z
        .tuple([z.string()])
        .rest(z.string())
        .parse(await run(catalogScript, version));
      if (current === version) return known;
      known = texts.length === 0 ? undefined : union(texts);
      version = current;
      return known;
    },
  };
}

const catalogSchema = z.object({ nodes: nodeCatalogSchema, models: modelCatalogSchema });

/** Every node that some worker has, and every model file that some worker has. */
function union(texts: readonly string[]): KnownCatalog {
  const nodes: Record<string, FleetCatalog["nodes"][string]> = {};
  const models: Record<string, string[]> = {};
  const digest = createHash("sha256");
  // Sorted, so that every reader makes the same of it.
  for (const text of texts.toSorted()) {
    digest.update(text);
    const catalog = catalogSchema.parse(parseJson(text));
    Object.assign(nodes, catalog.nodes);
    for (const [folder, files] of Object.entries(catalog.models)) {
      models[folder] = [...new Set([...(models[folder] ?? []), ...files])].sort(byCodeUnits);
    }
  }
  return { nodes, models, digest: digest.digest("hex").slice(0, 32) };
}

/** The order in which ComfyUI lists files. */
function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
