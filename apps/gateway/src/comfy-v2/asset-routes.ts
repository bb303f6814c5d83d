import type { AddedAsset, AssetRecord, JobStore, Reach } from "@rabbitloom/jobs";
import { CodedError, isCodedError, type JobView } from "@rabbitloom/protocol";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Principal } from "../auth/principal.ts";
import { contentDisposition } from "../files/content-disposition.ts";
import { existingFile } from "../files/folders.ts";
import { isShownType, safeMediaType } from "../files/media-type.ts";
import { sendFile } from "../files/send-file.ts";
import { untrusted } from "../files/untrusted.ts";
import { objectBody } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import { type AssetLibrary, inputName } from "./asset-library.ts";
import type { AssetLookup, AssetReference } from "./asset-references.ts";
import { notFound } from "./errors.ts";
import { contentUrl, outputObject, type V2Place } from "./job-object.ts";
import {
  deleteAssetV2,
  headBlobV2,
  postAssetV2,
  postFromHashV2,
  readAssetV2,
  readContentV2,
} from "./operations.ts";
import { findOutput, jobOfOutput, outputPath, type ShownOutput } from "./output-assets.ts";
import { readUpload } from "./read-upload.ts";
import { blobHashSchema, fromHashSchema, type V2Asset } from "./schemas.ts";

export interface V2AssetOptions {
  readonly store: JobStore;
  readonly library: AssetLibrary;
  readonly placeOf: (request: FastifyRequest) => V2Place;
  readonly maxUploadBytes: number;
}

type ById = { Params: { id: string } };

/** How long a link of an asset that is kept for good is said to live; asking again renews it. */
const LINK_MS = 86_400_000;

/** `/api/v2/assets`: uploaded files by content, and what jobs have shown. */
export function v2AssetRoutes(app: FastifyInstance, options: V2AssetOptions): void {
  const { store, library, placeOf, maxUploadBytes } = options;
  const tenantOf = ({ principal }: FastifyRequest) => principal.tenant;
  const foldersOf = (request: FastifyRequest) => placeOf(request).foldersOf(tenantOf(request));

  app.post(
    "/assets",
    { bodyLimit: maxUploadBytes, ...operation(postAssetV2) },
    async (request, reply) => {
      const folders = foldersOf(request);
      const upload = await readUpload(request, folders, maxUploadBytes);
      const added = await library.add({
        tenant: tenantOf(request),
        folders,
        file: upload.file,
        hash: upload.hash,
        contentType: upload.content_type,
        filePath: upload.file_path,
        tags: upload.tags,
        keepMs: milliseconds(upload.expires_in),
      });
      return sendAdded(reply, added, { isNew: added.isNewBlob, place: placeOf(request) });
    },
  );

  app.post("/assets/from-hash", operation(postFromHashV2), async (request, reply) => {
    const body = parseWith(fromHashSchema, objectBody(request.body), "body");
    const added = await library.refer({
      tenant: tenantOf(request),
      folders: foldersOf(request),
      hash: body.hash,
      filePath: body.file_path ?? body.hash.replace("blake3:", ""),
      tags: body.tags ?? [],
      keepMs: milliseconds(body.expires_in),
    });
    return sendAdded(reply, added, { isNew: added.isNewRecord, place: placeOf(request) });
  });

  app.head<{ Params: { hash: string } }>(
    "/assets/by-hash/:hash",
    operation(headBlobV2),
    async (request, reply) => {
      const hash = blobHashSchema.safeParse(request.params.hash);
      const isKnown = hash.success && (await store.hasBlob(tenantOf(request), hash.data));
      return reply.code(isKnown ? 200 : 404).send();
    },
  );

  app.get<ById>("/assets/:id", operation(readAssetV2), async (request) => {
    const place = placeOf(request);
    const found = await find(request);
    return "asset" in found ? assetObject(found.asset, place) : outputAsset(found, place);
  });

  app.get<ById>("/assets/:id/content", operation(readContentV2), async (request, reply) => {
    const found = await find(request);
    if ("asset" in found) {
      const { asset } = found;
      const path = await existingFile(foldersOf(request).input, "assets", asset.storedAs);
      return sendContent(request, reply, { path, name: asset.filePath, type: asset.contentType });
    }
    const { output, job } = found;
    if ("text" in output.source)
      return untrusted(reply).type(output.contentType).send(output.source.text);
    const path = await outputPath(placeOf(request).foldersOf(job.tenant), output.source.file);
    return sendContent(request, reply, { path, name: output.name, type: output.contentType });
  });

  app.delete<ById>("/assets/:id", operation(deleteAssetV2), async (request, reply) => {
    const { id } = request.params;
    if (jobOfOutput(id) !== undefined) {
      await find(request);
      throw new CodedError(
        "FORBIDDEN",
        "an output goes when its job does; it is not deleted alone",
      );
    }
    if (!(await store.removeAsset(tenantOf(request), id))) throw notFound("asset", id);
    return reply.code(204).send();
  });

  async function find(request: FastifyRequest<ById>): Promise<Found> {
    const { id } = request.params;
    const jobId = jobOfOutput(id);
    if (jobId !== undefined) {
      const job = await jobOf(store, request.principal.sees, jobId);
      if (job === undefined) throw notFound("asset", id);
      return { job, output: findOutput(job, id) };
    }
    const asset = await store.findAsset(tenantOf(request), id);
    if (asset === undefined) throw notFound("asset", id);
    return { asset };
  }
}

type Found =
  | { readonly asset: AssetRecord }
  | { readonly job: JobView; readonly output: ShownOutput };

/** Under which name a node loads what a reference means. */
export function assetLookup(
  { store }: Pick<V2AssetOptions, "store">,
  { tenant, own }: Principal,
): AssetLookup {
  return async (reference) => {
    const jobId = jobOfOutput(reference.id);
    if (jobId !== undefined) {
      const job = await jobOf(store, own, jobId);
      return job === undefined ? undefined : loadableOutput(job, reference);
    }
    const asset = await store.findAsset(tenant, reference.id);
    return asset === undefined ? undefined : inputName(asset);
  };
}

function loadableOutput(job: JobView, { id }: AssetReference): string | undefined {
  const { source } = findOutput(job, id);
  if (!("file" in source)) return undefined;
  const { type, subfolder, filename } = source.file;
  return `${subfolder === "" ? "" : `${subfolder}/`}${filename} [${type}]`;
}

async function jobOf(store: JobStore, reach: Reach, jobId: string): Promise<JobView | undefined> {
  try {
    return await store.view(reach, jobId);
  } catch (error) {
    if (isCodedError(error) && error.code === "JOB_EXPIRED") return undefined;
    throw error;
  }
}

function sendAdded(
  reply: FastifyReply,
  { asset, isNewBlob }: AddedAsset,
  { isNew, place }: { isNew: boolean; place: V2Place },
): FastifyReply {
  return reply
    .code(isNew ? 201 : 200)
    .send({ ...assetObject(asset, place), created_new: isNewBlob });
}

function assetObject(asset: AssetRecord, place: V2Place): V2Asset {
  return {
    id: asset.id,
    hash: asset.hash,
    size_bytes: asset.sizeBytes,
    content_type: asset.contentType,
    file_path: asset.filePath,
    created_at: asset.createdAt,
    url: contentUrl(asset.id, place),
    url_expires_at: asset.expiresAt ?? new Date(Date.now() + LINK_MS).toISOString(),
    expires_at: asset.expiresAt ?? null,
  };
}

async function outputAsset(
  { job, output }: { readonly job: JobView; readonly output: ShownOutput },
  place: V2Place,
): Promise<V2Asset> {
  const shown = await outputObject(output, job, place);
  return {
    id: shown.id,
    hash: null,
    size_bytes: shown.size_bytes,
    content_type: shown.content_type,
    file_path: shown.name,
    created_at: job.endedAt ?? job.submittedAt,
    url: shown.url,
    url_expires_at: shown.url_expires_at,
    expires_at: shown.url_expires_at,
    job_id: job.id,
  };
}

/** What a browser could run goes out as bytes to keep, whatever its sender called it. */
async function sendContent(
  request: FastifyRequest,
  reply: FastifyReply,
  { path, name, type }: { readonly path: string | undefined; name: string; type: string },
): Promise<FastifyReply> {
  if (path === undefined) {
    throw new CodedError(
      "OUTPUT_UNAVAILABLE",
      `${JSON.stringify(name)} is no longer in its folder`,
    );
  }
  const filename = name.split("/").at(-1) ?? name;
  const { download } = safeMediaType(filename);
  const isShown = isShownType(type) && !download;
  untrusted(reply)
    .header("content-type", isShown ? type : "application/octet-stream")
    .header("content-disposition", contentDisposition(filename, { download: !isShown }));
  return sendFile(request, reply, path);
}

function milliseconds(seconds: number | undefined): number | undefined {
  return seconds === undefined ? undefined : seconds * 1_000;
}
