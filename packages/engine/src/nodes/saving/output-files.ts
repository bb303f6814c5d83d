/** Where the files of one save go: folder, subfolder, names, numbers. */
import { rm } from "node:fs/promises";
import path from "node:path";
import { CodedError } from "@rabbitloom/protocol";
import type { FileAccess, FolderType, NameAllocator } from "../context.ts";
import { expandPrefix, type PrefixFacts } from "./filename-prefix.ts";
import { firstFreeNumber } from "./first-free-number.ts";
import { type FileContent, writeNew } from "./write-new.ts";

/** A saved file as clients read it. */
export type SavedFile = {
  readonly filename: string;
  readonly subfolder: string;
  readonly type: FolderType;
};

export type OutputFolder = {
  readonly files: FileAccess;
  readonly allocateNames: NameAllocator;
  readonly signal: AbortSignal;
};

export type SaveRequest = {
  readonly type: FolderType;
  readonly prefix: string;
  /** With the dot: ".png" */
  readonly extension: string;
  readonly facts: Omit<PrefixFacts, "now">;
  readonly count: number;
  /** The bytes of one file; a few are asked for at once. */
  readonly content: (index: number) => FileContent | Promise<FileContent>;
  readonly now?: Date;
};

/** Of one save: batches of pictures a pixel large would else fill a disk's table of files. */
const MOST_FILES = 10_000;
/** Of a prefix, as it is written and with its values: no file system has a path longer than this. */
const LONGEST_PREFIX = 4_096;

/** As many as zlib's threads; more would only hold memory. */
const FILES_AT_ONCE = 4;

/**
 * Saves prefix_00001_.ext, prefix_00002_.ext, ... The numbers come from the allocator; a name that is
 * taken nevertheless is left alone. All files or none: of a save that fails or is cancelled nothing stays.
 */
export async function saveFiles(folder: OutputFolder, request: SaveRequest): Promise<SavedFile[]> {
  const { type, extension, count, content, now = new Date() } = request;
  if (count > MOST_FILES) {
    throw new CodedError("LIMIT_EXCEEDED", `${count} files in one save: at most ${MOST_FILES}`);
  }
  checkLength(request.prefix);
  const prefix = expandPrefix(request.prefix, { ...request.facts, now });
  checkLength(prefix);
  const { subfolder, name } = splitPrefix(prefix);
  // Asked for by a name that is never empty: without one the path would be the folder itself, and its parent be written to.
  const directory = path.dirname(folder.files.path({ type, subfolder, filename: `${name}_` }));
  const named = { type, subfolder, prefix: name };

  // The first contents are made while the numbers are on their way.
  const first = folder.allocateNames({ ...named, count });
  first.catch(() => {});
  const saved: string[] = [];
  async function saveOne(index: number): Promise<void> {
    const numbered = name.replaceAll("%batch_num%", String(index));
    const stemOf = (n: number) => `${numbered}_${String(n).padStart(5, "0")}_`;
    const bytes = await content(index);
    const wanted = (await first) + index;
    const allocate = (above: number) => folder.allocateNames({ ...named, count: 1, above });
    const numbers = freeNumbers({ first: wanted, directory, prefix: numbered, allocate });
    saved[index] = await writeNew({
      directory,
      content: bytes,
      stem: stemOf(wanted),
      names: mapped(numbers, (n) => stemOf(n) + extension),
    });
  }
  try {
    for (let start = 0; start < count; start += FILES_AT_ONCE) {
      folder.signal.throwIfAborted();
      const length = Math.min(FILES_AT_ONCE, count - start);
      await allSettled(Array.from({ length }, (_, offset) => saveOne(start + offset)));
    }
    // A run that was cancelled meanwhile no longer hears of what is returned.
    folder.signal.throwIfAborted();
  } catch (error) {
    for (const filename of Object.values(saved))
      await rm(path.join(directory, filename), { force: true });
    throw error;
  }
  return saved.map((filename) => ({ filename, subfolder, type }));
}

function checkLength(prefix: string): void {
  if (prefix.length <= LONGEST_PREFIX) return;
  throw new CodedError(
    "FILE_REFUSED",
    `filename_prefix: expected at most ${LONGEST_PREFIX} characters, got ${prefix.length}`,
  );
}

/** Waits for every one, also where one has failed; throws what the first of them did. */
async function allSettled(promises: readonly Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(promises)) {
    if (result.status === "rejected") throw result.reason;
  }
}

/**
 * The number that was allocated; then, should its name be taken, numbers behind every file that is
 * there. That happens where the folder is older than the allocator's memory.
 */
async function* freeNumbers(start: {
  first: number;
  directory: string;
  prefix: string;
  allocate: (above: number) => Promise<number>;
}): AsyncGenerator<number> {
  yield start.first;
  for (;;) yield await start.allocate((await firstFreeNumber(start.directory, start.prefix)) - 1);
}

async function* mapped<From, To>(
  values: AsyncIterable<From>,
  change: (value: From) => To,
): AsyncGenerator<To> {
  for await (const value of values) yield change(value);
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
  if (/\p{Cs}/u.test(normal)) {
    throw new Error(
      `filename_prefix ${JSON.stringify(prefix)} has half a character (a lone surrogate)`,
    );
  }
  const name = path.posix.basename(normal);
  const subfolder = path.posix.dirname(normal);
  return { subfolder: subfolder === "." ? "" : subfolder, name: name === "." ? "" : name };
}
