import { createHash, randomBytes } from "node:crypto";
import * as sync from "node:fs";
import * as threads from "node:fs/promises";
import path from "node:path";

export interface NewFile {
  readonly directory: string;
  readonly content: FileContent;
  /** What the first of the names is up to the extension. */
  readonly stem: string;
  readonly names: AsyncIterable<string>;
}

/**
 * Gives the bytes the first name of `names` that is not taken, and returns it. They are written
 * under a hidden name in the same folder first, so that a file is whole when its name appears. The folder is made
 * where it is missing.
 */
export async function writeNew({ directory, content, stem, names }: NewFile): Promise<string> {
  const isSmall = content instanceof Uint8Array && content.length <= SMALL_BYTES;
  const disk = isSmall ? atOnce : byThreads;
  const hidden = `${unfinishedStart(stem)}${randomBytes(6).toString("hex")}${UNFINISHED_END}`;
  const unfinished = path.join(directory, hidden);
  try {
    try {
      await disk.write(unfinished, content);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
      await threads.mkdir(directory, { recursive: true });
      await disk.write(unfinished, content);
    }
    for await (const name of names) {
      if (await linkNew(disk, unfinished, path.join(directory, name))) return name;
    }
    throw new Error(`every name for a new file in ${directory} is taken`);
  } finally {
    await disk.remove(unfinished);
  }
}

const UNFINISHED_END = ".part";

/**
 * How a file's hidden name begins, for the name that it is to get up to the extension: whoever knows which numbers a process
 * had finds what it has left when it was killed. A digest, as the name itself may have no room for more.
 */
export function unfinishedStart(stem: string): string {
  return `.${createHash("sha256").update(stem).digest("hex").slice(0, 24)}.`;
}

/** That beginning of a hidden name; undefined for every other name. */
export function startOfUnfinished(name: string): string | undefined {
  const isHidden = name.startsWith(".") && name.endsWith(UNFINISHED_END);
  return isHidden ? name.slice(0, name.indexOf(".", 1) + 1) : undefined;
}

/** The bytes of a file, or what writes them to a path where no file is: for files that do not fit into memory. */
export type FileContent = Uint8Array | ((file: string) => Promise<void>);

/** Up to here the thread pool costs more than the work: a small file takes 0.14 ms of processor at once, 0.45 ms by threads. */
const SMALL_BYTES = 64 * 1024;

interface Disk {
  write(file: string, content: FileContent): void | Promise<void>;
  link(from: string, to: string): void | Promise<void>;
  /** Also where it was never made. */
  remove(file: string): void | Promise<void>;
}

const atOnce: Disk = {
  write: (file, content) =>
    content instanceof Uint8Array
      ? sync.writeFileSync(file, content, { flag: "wx" })
      : content(file),
  link: sync.linkSync,
  remove: (file) => sync.rmSync(file, { force: true }),
};

const byThreads: Disk = {
  write: (file, content) =>
    content instanceof Uint8Array
      ? threads.writeFile(file, content, { flag: "wx" })
      : content(file),
  link: threads.link,
  remove: (file) => threads.rm(file, { force: true }),
};

/** File systems without hard links say one of these. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** False where the name is taken. */
async function linkNew(disk: Disk, from: string, to: string): Promise<boolean> {
  try {
    await disk.link(from, to);
    return true;
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST") return false;
    if (typeof code === "string" && NO_LINKS.has(code)) return await copyNew(from, to);
    throw error;
  }
}

async function copyNew(from: string, to: string): Promise<boolean> {
  try {
    await threads.copyFile(from, to, threads.constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
