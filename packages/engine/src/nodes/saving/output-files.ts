/** Where the files of one save go: folder, subfolder, names, numbers. */
import path from "node:path";
import type { FileAccess, FolderType, NameAllocator } from "../context.ts";
import { expandPrefix, type PrefixFacts } from "./filename-prefix.ts";
import { firstFreeNumber } from "./first-free-number.ts";
import { writeNew } from "./write-new.ts";

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
  readonly content: (index: number) => Uint8Array | Promise<Uint8Array>;
  readonly now?: Date;
};

/** As many as zlib's threads; more would only hold memory. */
const FILES_AT_ONCE = 4;

/**
 * Saves prefix_00001_.ext, prefix_00002_.ext, ... The numbers come from the allocator; a name that is
 * taken nevertheless is left alone.
 */
export async function saveFiles(folder: OutputFolder, request: SaveRequest): Promise<SavedFile[]> {
  const { type, extension, count, content, now = new Date() } = request;
  const { subfolder, name } = splitPrefix(expandPrefix(request.prefix, { ...request.facts, now }));
  // Asked for by a name that is never empty: without one the path would be the folder itself, and its parent be written to.
  const directory = path.dirname(folder.files.path({ type, subfolder, filename: `${name}_` }));
  const allocate = (wanted: number) =>
    folder.allocateNames({ type, subfolder, prefix: name, count: wanted });

  // The first contents are made while the numbers are on their way.
  const first = allocate(count);
  first.catch(() => {});
  const saved: SavedFile[] = [];
  for (let start = 0; start < count; start += FILES_AT_ONCE) {
    folder.signal.throwIfAborted();
    const length = Math.min(FILES_AT_ONCE, count - start);
    const group = Array.from({ length }, async (_, offset) => {
      const index = start + offset;
      const numbered = name.replaceAll("%batch_num%", String(index));
      const fileName = (n: number) => `${numbered}_${String(n).padStart(5, "0")}_${extension}`;
      const bytes = await content(index);
      const wanted = (await first) + index;
      const numbers = freeNumbers({ first: wanted, directory, prefix: numbered, allocate });
      const filename = await writeNew(directory, bytes, mapped(numbers, fileName));
      return { filename, subfolder, type };
    });
    saved.push(...(await Promise.all(group)));
  }
  return saved;
}

/**
 * The number that was allocated; then, should its name be taken, numbers behind every file that is
 * there. That happens where the folder is older than the allocator's memory.
 */
async function* freeNumbers(start: {
  first: number;
  directory: string;
  prefix: string;
  allocate: (count: number) => Promise<number>;
}): AsyncGenerator<number> {
  yield start.first;
  for (let tried = start.first; ; ) {
    const free = await firstFreeNumber(start.directory, start.prefix);
    const next = await start.allocate(Math.max(1, free - tried));
    tried = Math.max(next, free);
    yield tried;
  }
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
