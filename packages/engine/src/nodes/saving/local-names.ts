import { readdir } from "node:fs/promises";
import path from "node:path";
import type { FolderType, NameAllocator, NameRequest } from "../context.ts";

/**
 * Counts file names within one process. A folder is listed once for each prefix, to go on after the
 * highest number that is there; from then on numbers only count up.
 */
export function createLocalNames(folder: (type: FolderType) => string): NameAllocator {
  const next = new Map<string, Promise<number>>();
  return (request) => {
    const key = JSON.stringify([request.type, request.subfolder, request.prefix]);
    const first = next.get(key) ?? firstFree(folder, request);
    const following = first.then((number) => number + request.count);
    following.catch(() => next.delete(key));
    next.set(key, following);
    return first;
  };
}

async function firstFree(
  folder: (type: FolderType) => string,
  { type, subfolder, prefix }: NameRequest,
): Promise<number> {
  let highest = 0;
  for (const name of await namesIn(path.join(folder(type), subfolder))) {
    if (!name.startsWith(`${prefix}_`)) continue;
    const number = Number.parseInt(name.slice(prefix.length + 1), 10);
    if (number > highest) highest = number;
  }
  return highest + 1;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
