import { join } from "node:path";
import { type Engine, firstFreeNumber, type NameAllocator } from "@rabbitloom/engine";
import type { FileNumbers, JobStore } from "@rabbitloom/jobs";
import { CodedError, type OutputFile } from "@rabbitloom/protocol";

export interface FileNamesOptions {
  readonly store: Pick<JobStore, "allocateNumbers">;
  readonly folders: Engine["folders"];
  readonly jobId: string;
  readonly attempt: number;
}

export interface FileNames {
  readonly allocate: NameAllocator;
  /** The numbers that were given here. */
  readonly given: readonly Omit<FileNumbers, "givenAt">[];
  /** Whether the file has one of them. */
  isOwn(file: OutputFile): boolean;
}

/** Numbers for file names that no other worker of the fleet gets, noted for the attempt that is going to use them. */
export function fileNames({ store, folders, jobId, attempt }: FileNamesOptions): FileNames {
  const own = new Set<string>();
  const given: Omit<FileNumbers, "givenAt">[] = [];
  return {
    given,
    async allocate({ type, subfolder, prefix, count, above }) {
      if (type === "input") {
        throw new CodedError("FILE_REFUSED", "nodes save to the output and temp folders only");
      }
      const wanted = { type, subfolder, prefix, count };
      const seed = async () => (await firstFreeNumber(join(folders[type], subfolder), prefix)) - 1;
      const { first } = await store.allocateNumbers({ jobId, attempt, ...wanted, above, seed });
      given.push({ ...wanted, first });
      for (const stem of fileStems({ ...wanted, first })) own.add(join(type, stem));
      return first;
    },
    isOwn: ({ type, subfolder, filename }) => own.has(join(type, subfolder, fileStem(filename))),
  };
}

/** A numbered file's name up to the extension. */
export function fileStem(filename: string): string {
  return filename.slice(0, filename.lastIndexOf("_.") + 1);
}

/** Names up to the extension, relative to the root folder, of the files that carry these numbers. */
export function fileStems({
  subfolder,
  prefix,
  first,
  count,
}: Omit<FileNumbers, "type" | "givenAt">): string[] {
  return Array.from({ length: count }, (_, index) => {
    const name = prefix.replaceAll("%batch_num%", String(index));
    return join(subfolder, `${name}_${String(first + index).padStart(5, "0")}_`);
  });
}
