/** Where the files of one save go: folder, subfolder, names, numbers. */

import { randomBytes } from "node:crypto";
import { link, mkdir, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { FileAccess, FolderType, NameAllocator } from "../context.ts";
import { expandPrefix, type PrefixFacts } from "./filename-prefix.ts";

/** A saved file as clients read it. */
export type SavedFile = {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: FolderType;
};

export type OutputFolder = { readonly files: FileAccess; readonly allocateNames: NameAllocator };

export type SaveRequest = {
  readonly type: FolderType;
  readonly prefix: string;
  /** With the dot: ".png" */
  readonly extension: string;
  readonly facts: Omit<PrefixFacts, "now">;
  readonly contents: readonly Uint8Array[];
  readonly now?: Date;
};

/**
 * Saves the contents as prefix_00001_.ext, prefix_00002_.ext, ... The numbers come from the
 * allocator; a name that is taken nevertheless is left alone and the next number used. A file is
 * complete when its name appears.
 */
export async function saveFiles(folder: OutputFolder, request: SaveRequest): Promise<SavedFile[]> {
  const { type, extension, contents, now = new Date() } = request;
  const { subfolder, name } = splitPrefix(expandPrefix(request.prefix, { ...request.facts, now }));
  const directory = path.dirname(folder.files.path({ type, subfolder, filename: name }));
  await mkdir(directory, { recursive: true });
  const allocate = (count: number) =>
    folder.allocateNames({ type, subfolder, prefix: name, count });

  let number = await allocate(contents.length);
  const saved: SavedFile[] = [];
  for (const [index, bytes] of contents.entries()) {
    const numbered = name.replaceAll("%batch_num%", String(index));
    const fileName = (n: number) => `${numbered}_${String(n).padStart(5, "0")}_${extension}`;
    while (!(await writeNew(path.join(directory, fileName(number)), bytes))) {
      number = await allocate(contents.length - index);
    }
    saved.push({ filename: fileName(number), subfolder, type });
    number += 1;
  }
  return saved;
}

/** "a/b/name" to subfolder and name, both normalised; refuses what leaves the folder. */
function splitPrefix(prefix: string): { subfolder: string; name: string } {
  const normal = path.posix.normalize(prefix);
  const leaves = path.posix.isAbsolute(normal) || normal.split("/").includes("..");
  if (leaves || normal.includes("\0")) {
    throw new Error(
      `filename_prefix ${JSON.stringify(prefix)} leads out of the output folder; it may name subfolders, such as "portraits/anna"`,
    );
  }
  const name = path.posix.basename(normal);
  const subfolder = path.posix.dirname(normal);
  return { subfolder: subfolder === "." ? "" : subfolder, name: name === "." ? "" : name };
}

/** False where the name is taken. The bytes are written under another name first and then linked. */
async function writeNew(file: string, bytes: Uint8Array): Promise<boolean> {
  const unfinished = path.join(path.dirname(file), `.${randomBytes(9).toString("base64url")}.part`);
  await writeFile(unfinished, bytes, { flag: "wx" });
  try {
    await link(unfinished, file);
    return true;
  } catch (error) {
    if (!isErrno(error, "EEXIST")) throw error;
    return false;
  } finally {
    await rm(unfinished, { force: true });
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
