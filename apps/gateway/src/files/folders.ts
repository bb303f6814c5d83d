import { realpath, stat } from "node:fs/promises";
import { basename, join, relative, resolve, sep } from "node:path";
import { CodedError, isCodedError } from "@rabbitloom/protocol";
import type { FileFolder } from "@rabbitloom/workflow";

/** Where the fleet's files live, by the names ComfyUI gives the folders. */
export type Folders = Readonly<Record<FileFolder, string>>;

export function isFolderName(text: string): text is FileFolder {
  return text === "input" || text === "output" || text === "temp";
}

/** A name that clients sent, as far as text can tell. Throws FILE_REFUSED where it could leave its folder. */
export function checkRelative(name: string, what: string): string {
  const segments = name.split(/[/\\]/);
  const isBad =
    name.includes("\0") ||
    name.startsWith("/") ||
    name.startsWith("\\") ||
    /^[A-Za-z]:/.test(name) ||
    segments.includes("..");
  if (isBad) {
    throw new CodedError(
      "FILE_REFUSED",
      `${what}: expected a name inside the folder, got ${JSON.stringify(name)}`,
    );
  }
  return name;
}

/**
 * The real path of an existing file, undefined where there is none. Throws FILE_REFUSED where a link leads out of
 * the folder: what is inside is decided by where the file really is, not by how it is called.
 */
export async function existingFile(
  root: string,
  subfolder: string,
  name: string,
): Promise<string | undefined> {
  const path = join(root, subfolder, basename(name));
  const [realRoot, real] = await Promise.all([realpathOrNothing(root), realpathOrNothing(path)]);
  if (realRoot === undefined || real === undefined) return undefined;
  if (!isInside(realRoot, real)) {
    throw new CodedError("FILE_REFUSED", `${JSON.stringify(name)} is a link out of its folder`);
  }
  return (await stat(real)).isFile() ? real : undefined;
}

/**
 * What a name means inside `root`, which may be a folder or not be there; the name of the root itself is fine.
 * Undefined where the name, or a link on the way there, leads out.
 */
export async function pathInside(root: string, name: string): Promise<string | undefined> {
  if (name.includes("\0")) return undefined;
  const path = resolve(root, name);
  if (path !== root && !isInside(root, path)) return undefined;
  try {
    return await checkedSubfolder(root, relative(root, path));
  } catch (error) {
    if (isCodedError(error) && error.code === "FILE_REFUSED") return undefined;
    throw error;
  }
}

/** Of a path: what systems take at most. Each part of one is looked at, and a text of 64 KiB would have thousands. */
const LONGEST_PATH_BYTES = 4_096;

/** A folder below `root` that exists or is about to be made, with no link out on the way there. */
export async function checkedSubfolder(root: string, subfolder: string): Promise<string> {
  if (Buffer.byteLength(subfolder) > LONGEST_PATH_BYTES) {
    throw new CodedError(
      "FILE_REFUSED",
      `expected a path of at most ${LONGEST_PATH_BYTES} bytes, got ${Buffer.byteLength(subfolder)}`,
    );
  }
  const realRoot = (await realpathOrNothing(root)) ?? root;
  const wanted = join(root, subfolder);
  for (let path = wanted; path.length >= root.length; path = join(path, "..")) {
    const real = await realpathOrNothing(path);
    if (real === undefined) continue;
    if (real !== realRoot && !isInside(realRoot, real)) {
      throw new CodedError(
        "FILE_REFUSED",
        `${JSON.stringify(subfolder)} is a link out of its folder`,
      );
    }
    break;
  }
  return wanted;
}

function isInside(realRoot: string, real: string): boolean {
  return real.startsWith(realRoot.endsWith(sep) ? realRoot : realRoot + sep);
}

async function realpathOrNothing(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG" || code === "ELOOP")
      return undefined;
    throw error;
  }
}
