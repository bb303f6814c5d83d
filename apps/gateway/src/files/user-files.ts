import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join, relative, sep } from "node:path";
import { CodedError } from "@rabbitloom/protocol";
import { claimName, codeOf } from "./claim-name.ts";
import { refusingOddNames } from "./odd-names.ts";

/** A file of the user's own, as `full_info=true` tells of it. Times in milliseconds since 1970. */
export interface UserFileFacts {
  readonly path: string;
  readonly size: number;
  readonly modified: number;
  readonly created: number;
}

export interface UserFolderEntry {
  readonly name: string;
  readonly path: string;
  readonly type: "directory" | "file";
  readonly size?: number;
  /** Seconds since 1970, with a fraction: this list counts otherwise than the older one. */
  readonly modified?: number;
}

/** `path` relative to `root`, with slashes on every system. */
export function relativePath(root: string, path: string): string {
  return relative(root, path).split(sep).join("/");
}

export async function userFileFacts(root: string, path: string): Promise<UserFileFacts> {
  const { size, mtimeMs, ctimeMs } = await stat(path);
  return {
    path: relativePath(root, path),
    size,
    modified: Math.trunc(mtimeMs),
    created: Math.trunc(ctimeMs),
  };
}

/** Paths of the files in a folder, sorted; names that begin with a dot are left out, as a shell's `*` does. */
export async function visibleFiles(folder: string, isRecursive: boolean): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isFile()) found.push(path);
    else if (entry.isDirectory() && isRecursive) found.push(...(await visibleFiles(path, true)));
  }
  return found.sort((a, b) => (a < b ? -1 : 1));
}

/** Everything below a folder, folders first, each kind by name. Links are not followed. */
export async function folderEntries(root: string, folder: string): Promise<UserFolderEntry[]> {
  const entries: UserFolderEntry[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true, recursive: true })) {
    const { name } = entry;
    const path = join(entry.parentPath, name);
    const place = { name, path: relativePath(root, path) };
    if (entry.isDirectory()) entries.push({ ...place, type: "directory" });
    if (!entry.isFile()) continue;
    // Gone between the two looks: it is told without its facts.
    const facts = await stat(path).catch(() => undefined);
    entries.push({
      ...place,
      type: "file",
      ...(facts && { size: facts.size, modified: facts.mtimeMs / 1000 }),
    });
  }
  const key = ({ type, name }: UserFolderEntry) => `${type} ${name.toLowerCase()}`;
  return entries.sort((a, b) => (key(a) < key(b) ? -1 : 1));
}

export interface WriteOptions {
  /** Take a name over that is in use. */
  readonly overwrites: boolean;
}

/**
 * Written aside first: a reader never sees half a file, and of two writers one wins whole, at whichever gateways they
 * are. False where the name is taken and stays so.
 */
export function writeUserFile(
  path: string,
  bytes: Uint8Array,
  { overwrites }: WriteOptions,
): Promise<boolean> {
  return refusingOddNames(async () => {
    await mkdir(dirname(path), { recursive: true });
    const aside = join(dirname(path), `.${randomUUID()}`);
    try {
      await writeFile(aside, bytes);
      return await giveName(aside, path, overwrites);
    } finally {
      await rm(aside, { force: true });
    }
  });
}

/** False where the name is taken and stays so. */
export function moveUserFile(
  from: string,
  to: string,
  { overwrites }: WriteOptions,
): Promise<boolean> {
  return refusingOddNames(async () => {
    await mkdir(dirname(to), { recursive: true });
    return saidWhereGone(giveName(from, to, overwrites));
  });
}

async function giveName(from: string, to: string, overwrites: boolean): Promise<boolean> {
  if (overwrites) {
    await rename(from, to);
    return true;
  }
  const isOurs = await claimName(from, to);
  if (isOurs) await rm(from);
  return isOurs;
}

export async function deleteUserFile(path: string): Promise<void> {
  await refusingOddNames(() => saidWhereGone(rm(path)));
}

/** Somebody else may move or delete a file between the look at it and the change. */
async function saidWhereGone<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch((cause: unknown) => {
    if (codeOf(cause) !== "ENOENT") throw cause;
    throw new CodedError("NOT_FOUND", "the file is no longer there", { cause });
  });
}
