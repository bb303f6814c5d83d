import * as z from "zod";
import type { AssetRecord, AssetStore, NewAsset } from "./asset-store.ts";
import {
  addAssetScript,
  findAssetScript,
  forgetBlobScript,
  hasBlobScript,
  removeAssetScript,
  sweepAssetsScript,
} from "./scripts/assets.ts";
import type { StoreContext } from "./store-context.ts";

/** What all records of a blob share, as its first one had it. */
const blobFactsSchema = z.object({
  storedAs: z.string(),
  sizeBytes: z.number(),
  contentType: z.string(),
});

const ownFactsSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  hash: z.string(),
  filePath: z.string(),
  tags: z.array(z.string()),
  createdAt: z.string(),
  contentType: z.string().optional(),
});

/** Record, time it expires or "", facts of its blob. */
const foundSchema = z.tuple([z.string(), z.string(), z.string()]);
const sweptSchema = z.tuple([...foundSchema.def.items, z.string(), z.array(z.string())]);
const addedSchema = z.tuple([...foundSchema.def.items, z.number(), z.number()]);

export function assets({ run }: StoreContext): AssetStore {
  return {
    async addAsset(asset) {
      const answer = await run(
        addAssetScript,
        asset.tenant,
        asset.id,
        asset.hash,
        blobFacts(asset),
        asset.filePath,
        ownFacts(asset),
        asset.keepMs ?? "",
      );
      if (isNothing(answer)) return undefined;
      const [own, expiry, blob, isNewRecord, isNewBlob] = addedSchema.parse(answer);
      return {
        asset: recordOf([own, expiry, blob]),
        isNewRecord: isNewRecord === 1,
        isNewBlob: isNewBlob === 1,
      };
    },
    async findAsset(tenant, id) {
      const answer = await run(findAssetScript, tenant, id);
      return isNothing(answer) ? undefined : recordOf(foundSchema.parse(answer));
    },
    hasBlob: async (tenant, hash) => (await run(hasBlobScript, tenant, hash)) === 1,
    removeAsset: async (tenant, id) => (await run(removeAssetScript, tenant, id)) === 1,
    async sweepAssets(idleMs) {
      const swept = z.array(sweptSchema).parse(await run(sweepAssetsScript, idleMs));
      return swept.map(([tenant, hash, facts, idleSince, paths]) => {
        const { storedAs } = blobFactsSchema.parse(JSON.parse(facts));
        return { tenant, hash, storedAs, idleSince, paths };
      });
    },
    async forgetBlob({ tenant, hash, idleSince }) {
      await run(forgetBlobScript, tenant, hash, idleSince);
    },
  };
}

function blobFacts({ storedAs, sizeBytes = 0, contentType = "" }: NewAsset): string {
  return storedAs === undefined ? "" : JSON.stringify({ storedAs, sizeBytes, contentType });
}

function ownFacts({ id, tenant, hash, filePath, tags = [], contentType }: NewAsset): string {
  const createdAt = new Date().toISOString();
  return JSON.stringify({ id, tenant, hash, filePath, tags, createdAt, contentType });
}

function recordOf([own, expiry, blob]: z.infer<typeof foundSchema>): AssetRecord {
  const { contentType, ...facts } = ownFactsSchema.parse(JSON.parse(own));
  const shared = blobFactsSchema.parse(JSON.parse(blob));
  return {
    ...facts,
    ...shared,
    ...(contentType !== undefined && { contentType }),
    ...(expiry !== "" && { expiresAt: new Date(Number(expiry)).toISOString() }),
  };
}

/** Lua's empty list. */
function isNothing(answer: unknown): boolean {
  return Array.isArray(answer) && answer.length === 0;
}
