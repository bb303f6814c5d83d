import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { Engine, NameAllocator } from "@rabbitloom/engine";
import type { FileNumbers, JobStore } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";

export interface FileNamesOptions {
  readonly store: Pick<JobStore, "allocateNumbers">;
  readonly folders: Engine["folders"];
  readonly jobId: string;
  readonly attempt: number;
}

/** Numbers for file names that no other worker of the fleet gets, noted for the attempt that is going to use them. */
export function fileNames({ store, folders, jobId, attempt }: FileNamesOptions): NameAllocator {
  return async ({ type, subfolder, prefix, count }) => {
    if (type === "input") {
      throw new CodedError("FILE_REFUSED", "nodes save to the output and temp folders only");
    }
    const { first } = await store.allocateNumbers({
      jobId,
      attempt,
      type,
      subfolder,
      prefix,
      count,
      seed: () => highestNumber(join(folders[type], subfolder), prefix),
    });
    return first;
  };
}

/** Names up to the extension, relative to the root folder, of the files that carry these numbers. */
export function fileStems({ subfolder, prefix, first, count }: FileNumbers): string[] {
  return Array.from({ length: count }, (_, index) => {
    const name = prefix.replaceAll("%batch_num%", String(index));
    return join(subfolder, `${name}_${String(first + index).padStart(5, "0")}_`);
  });
}

/** The highest number that a file of this prefix has; 0 where there is none. */
async function highestNumber(directory: string, prefix: string): Promise<number> {
  const names = await readdir(directory).catch(() => []);
  let highest = 0;
  for (const name of names) {
    if (!name.startsWith(`${prefix}_`)) continue;
    const number = Number.parseInt(name.slice(prefix.length + 1), 10);
    if (number > highest) highest = number;
  }
  return highest;
}
