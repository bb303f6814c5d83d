import { randomUUID } from "node:crypto";
import { link, lstat, mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import type { AddedAsset, AssetRecord, AssetStore, SweptBlob } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import { checkedSubfolder, checkRelative, type Folders } from "../files/folders.ts";
import { refusingOddNames } from "../files/odd-names.ts";
import type { ReceivedFile } from "../files/place-file.ts";
import { eachTried } from "../recover/each-tried.ts";

export interface AssetFacts {
  readonly tenant: string;
  readonly folders: Folders;
  readonly filePath: string;
  readonly tags?: readonly string[];
  readonly keepMs?: number | undefined;
}

export interface UploadedAsset extends AssetFacts {
  readonly file: ReceivedFile;
  readonly hash: string;
  readonly contentType: string;
}

/** Uploaded files by content: the bytes below the input folder, where nodes can load them, the records in Redis. */
export interface AssetLibrary {
  /** Takes the file over, whatever happens. */
  add(upload: UploadedAsset): Promise<AddedAsset>;
  /** One more record for bytes that the tenant has. Throws BLOB_MISSING. */
  refer(facts: AssetFacts & { readonly hash: string }): Promise<AddedAsset>;
  /** Removes files that no record has named for a while. */
  sweep(foldersOf: (tenant: string) => Folders): Promise<number>;
}

const FOLDER = "assets";
/** Between a HEAD that found some bytes and the request that refers to them may lie a long upload. */
const IDLE_MS = 3_600_000;

export function assetLibrary(store: AssetStore): AssetLibrary {
  return {
    async add({ file, hash, contentType, folders, filePath, ...facts }) {
      try {
        const path = inputPath(filePath);
        await makeFolderOf(folders, path);
        const added = await store.addAsset({
          ...facts,
          id: randomUUID(),
          hash,
          filePath: path,
          contentType,
          sizeBytes: file.sizeBytes,
          storedAs: storedName(hash, path),
        });
        if (added === undefined) throw new CodedError("INTERNAL", "the asset was not recorded");
        await placeBlob(folders, added.asset, file);
        await nameBlob(folders, added.asset);
        return added;
      } finally {
        await rm(file.path, { force: true });
      }
    },
    async refer({ hash, folders, filePath, ...facts }) {
      const path = inputPath(filePath);
      await makeFolderOf(folders, path);
      const added = await store.addAsset({ ...facts, id: randomUUID(), hash, filePath: path });
      if (added === undefined) {
        throw new CodedError("BLOB_MISSING", `none of your assets has the hash ${hash}`);
      }
      await nameBlob(folders, added.asset);
      return added;
    },
    async sweep(foldersOf) {
      const swept = await store.sweepAssets(IDLE_MS);
      // One that fails is swept again later.
      await eachTried(swept, (blob) => removeBlob(store, foldersOf(blob.tenant), blob));
      return swept.length;
    },
  };
}

/** As nodes name it. */
export function inputName({ storedAs }: Pick<AssetRecord, "storedAs">): string {
  return `${FOLDER}/${storedAs}`;
}

export function blobPath(folders: Folders, { storedAs }: Pick<AssetRecord, "storedAs">): string {
  return join(folders.input, FOLDER, storedAs);
}

/** `input/a.png` and `a.png` are the same. Throws for paths that leave the folder or name another one. */
function inputPath(filePath: string): string {
  const path = checkRelative(filePath, "file_path")
    .replaceAll("\\", "/")
    .replace(/^input\//, "");
  const [first = "", ...rest] = path.split("/").filter((part) => part !== "" && part !== ".");
  const isElsewhere =
    rest.length > 0 && ["models", "output", "temp", "custom_nodes", "configs"].includes(first);
  if (first === "" || isElsewhere || first === FOLDER) {
    throw new CodedError(
      "INVALID_REQUEST",
      `file_path: expected a file of the input folder, got ${JSON.stringify(filePath)}`,
    );
  }
  if (Buffer.byteLength(path) > LONGEST_PATH_BYTES) {
    throw new CodedError(
      "INVALID_REQUEST",
      `file_path: expected at most ${LONGEST_PATH_BYTES} bytes`,
    );
  }
  return [first, ...rest].join("/");
}

const LONGEST_PATH_BYTES = 240;

/** The extension is kept: some nodes go by it. */
function storedName(hash: string, filePath: string): string {
  const extension = extname(filePath).toLowerCase();
  const digits = hash.slice(hash.indexOf(":") + 1);
  return /^\.[a-z0-9]{1,8}$/.test(extension) ? `${digits}${extension}` : digits;
}

async function placeBlob(folders: Folders, asset: AssetRecord, file: ReceivedFile): Promise<void> {
  await mkdir(join(folders.input, FOLDER), { recursive: true });
  await rename(file.path, blobPath(folders, asset));
}

/** Before the record is written: there is none then of a path that cannot be. Throws FILE_REFUSED. */
async function makeFolderOf(folders: Folders, filePath: string): Promise<string> {
  const folder = await checkedSubfolder(folders.input, dirname(filePath));
  await refusingOddNames(() => mkdir(folder, { recursive: true }));
  return folder;
}

/** The bytes also get the name the client gave them, for workflows that say it plainly; unless it is taken. */
async function nameBlob(folders: Folders, asset: AssetRecord): Promise<void> {
  const folder = await makeFolderOf(folders, asset.filePath);
  await link(blobPath(folders, asset), join(folder, basename(asset.filePath))).catch(
    ignoring("EEXIST", "EPERM", "ENOTSUP", "EMLINK"),
  );
}

/**
 * Put aside first, and put back where the same bytes came again meanwhile. The name aside is the blob's own, so that a later
 * sweep finds what one that was killed has left.
 */
async function removeBlob(store: AssetStore, folders: Folders, blob: SweptBlob): Promise<void> {
  const path = blobPath(folders, blob);
  const aside = join(folders.input, FOLDER, `.swept-${blob.storedAs}`);
  await rename(path, aside).catch(ignoring("ENOENT"));
  const facts = await lstat(aside).catch(ignoring("ENOENT"));
  if (facts !== undefined && (await store.hasBlob(blob.tenant, blob.hash))) {
    await link(aside, path).catch(ignoring("EEXIST"));
  } else if (facts !== undefined) {
    for (const name of blob.paths) {
      const named = join(folders.input, name);
      const other = await lstat(named).catch(ignoring("ENOENT", "ENOTDIR"));
      if (other?.ino === facts.ino && other.dev === facts.dev) await rm(named, { force: true });
    }
  }
  await rm(aside, { force: true });
  await store.forgetBlob(blob);
}

function ignoring(...codes: readonly string[]) {
  return (error: unknown): undefined => {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    if (!codes.includes(code)) throw error;
    return undefined;
  };
}
