import { constants, copyFile, link } from "node:fs/promises";

/** Gives the file at `from` the name `to` beside its own. False where somebody has the name: whoever makes it first has it. */
export async function claimName(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    if (!["EPERM", "ENOTSUP", "EXDEV", "EMLINK"].includes(codeOf(error) ?? "")) throw error;
  }
  // A file system without hard links.
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string"
    ? error.code
    : undefined;
}
