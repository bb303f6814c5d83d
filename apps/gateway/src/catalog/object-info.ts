import { createHash } from "node:crypto";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type {
  InputDeclaration,
  ListedValues,
  NodeCatalogEntry,
  NodeInfo,
} from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import type { CatalogCache, KnownCatalog } from "./catalog-cache.ts";
import type { FolderListing } from "./folder-listing.ts";

const compress = promisify(gzip);

/** `/object_info` as it goes out: written, compressed and tagged once for each state of the fleet. */
export interface ObjectInfoBody {
  readonly json: Buffer;
  readonly gzip: Buffer;
  readonly etag: string;
}

export interface ObjectInfo {
  /** As a tenant sees it: combos list the tenant's own files. */
  all(tenant: string): Promise<ObjectInfoBody>;
  /** Undefined for a class that nobody has. */
  one(tenant: string, className: string): Promise<NodeInfo | undefined>;
}

/** Tenants whose body is kept: a few megabytes each with ComfyUI's nodes. */
const BODIES_KEPT = 16;

export function objectInfo(
  catalog: CatalogCache,
  listingOf: (tenant: string) => FolderListing,
): ObjectInfo {
  const bodies = new Map<
    string,
    { readonly version: string; readonly body: Promise<ObjectInfoBody> }
  >();

  return {
    async all(tenant) {
      const known = await catalog.require();
      const listing = listingOf(tenant);
      const version = `${known.digest} ${await listing.version()}`;
      const made = bodies.get(tenant);
      if (made?.version === version) return made.body;
      const body = writeAll(known, listing);
      bodies.delete(tenant);
      bodies.set(tenant, { version, body });
      const [oldest] = bodies.keys();
      if (bodies.size > BODIES_KEPT && oldest !== undefined) bodies.delete(oldest);
      return body;
    },
    async one(tenant, className) {
      const listing = listingOf(tenant);
      const known = await catalog.require();
      const entry = Object.hasOwn(known.nodes, className) ? known.nodes[className] : undefined;
      return entry && withListedValues(entry, known, listing);
    },
  };
}

async function writeAll(known: KnownCatalog, listing: FolderListing): Promise<ObjectInfoBody> {
  const infos: Record<string, NodeInfo> = {};
  for (const [name, entry] of Object.entries(known.nodes)) {
    infos[name] = await withListedValues(entry, known, listing);
  }
  const json = Buffer.from(stringifyJson(infos, { form: "python" }));
  const digest = createHash("sha256").update(json).digest("base64url").slice(0, 22);
  return { json, gzip: await compress(json), etag: `"${digest}"` };
}

/** The combos whose values are model files or people's files are filled in as things are now. */
async function withListedValues(
  { info, listed }: NodeCatalogEntry,
  known: KnownCatalog,
  listing: FolderListing,
): Promise<NodeInfo> {
  if (Object.keys(listed).length === 0) return info;
  const values = new Map<string, readonly unknown[]>();
  for (const [name, list] of Object.entries(listed)) {
    values.set(name, await valuesOf(list, known, listing));
  }
  const fill = (group: Record<string, InputDeclaration> | undefined) =>
    group &&
    Object.fromEntries(
      Object.entries(group).map(([name, declaration]) => [
        name,
        filled(declaration, values.get(name)),
      ]),
    );
  const { required, optional, ...others } = info.input;
  return {
    ...info,
    input: {
      ...(required && { required: fill(required) }),
      ...(optional && { optional: fill(optional) }),
      ...others,
    },
  };
}

async function valuesOf(
  list: ListedValues,
  { models }: KnownCatalog,
  listing: FolderListing,
): Promise<readonly unknown[]> {
  if (list.kind === "files") return listing.names(list);
  return [...(models[list.folder] ?? []), ...(list.extra ?? [])];
}

/** Older declarations carry the list itself, newer ones say COMBO and carry it as an option. */
function filled(
  declaration: InputDeclaration,
  values: readonly unknown[] | undefined,
): InputDeclaration {
  if (values === undefined) return declaration;
  const [type, options] = declaration;
  if (type === "COMBO") return ["COMBO", { ...options, options: [...values] }];
  return options === undefined ? [[...values]] : [[...values], options];
}
