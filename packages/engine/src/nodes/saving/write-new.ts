import { randomBytes } from "node:crypto";
import { constants, copyFile, link, unlink, writeFile } from "node:fs/promises";
import path from "node:path";

/**
 * Gives the bytes the first name of `names` that is not taken, and returns it. They are written
 * under a hidden name in the same folder first, so that a file is whole when its name appears.
 */
export async function writeNew(
  directory: string,
  bytes: Uint8Array,
  names: AsyncIterable<string>,
): Promise<string> {
  const unfinished = path.join(directory, `.${randomBytes(9).toString("base64url")}.part`);
  await writeFile(unfinished, bytes, { flag: "wx" });
  try {
    for await (const name of names) {
      if (await linkNew(unfinished, path.join(directory, name))) return name;
    }
    throw new Error(`every name for a new file in ${directory} is taken`);
  } finally {
    await unlink(unfinished);
  }
}

/** File systems without hard links say one of these. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/** False where the name is taken. */
async function linkNew(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "EEXIST") return false;
    if (typeof code === "string" && NO_LINKS.has(code)) return await copyNew(from, to);
    throw error;
  }
}

async function copyNew(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}
