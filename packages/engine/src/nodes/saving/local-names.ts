import path from "node:path";
import type { FolderType, NameAllocator } from "../context.ts";
import { firstFreeNumber } from "./first-free-number.ts";

/**
 * Counts file names within one process. A folder is listed once for each prefix, to go on after the
 * highest number that is there; from then on numbers only count up. The temporary folder is not
 * listed: prefixes there are random.
 */
export function createLocalNames(folder: (type: FolderType) => string): NameAllocator {
  const next = new Map<string, Promise<number>>();
  return (request) => {
    const { type, subfolder, prefix, count, above = 0 } = request;
    const key = JSON.stringify([type, subfolder, prefix]);
    const free = next.get(key) ?? startNumber(folder, request);
    const first = free.then((number) => Math.max(number, above + 1));
    const following = first.then((number) => number + count);
    following.catch(() => next.delete(key));
    next.delete(key);
    next.set(key, following);
    forgetOldest(next);
    return first;
  };
}

/** A forgotten prefix costs one more listing when it comes back. */
const MAX_PREFIXES = 10_000;

function forgetOldest(next: Map<string, Promise<number>>): void {
  if (next.size <= MAX_PREFIXES) return;
  const [oldest] = next.keys();
  if (oldest !== undefined) next.delete(oldest);
}

async function startNumber(
  folder: (type: FolderType) => string,
  { type, subfolder, prefix }: { type: FolderType; subfolder: string; prefix: string },
): Promise<number> {
  return type === "temp" ? 1 : await firstFreeNumber(path.join(folder(type), subfolder), prefix);
}
