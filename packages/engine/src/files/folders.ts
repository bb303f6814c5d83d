import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { CodedError } from "@rabbitloom/protocol";
import { annotatedFile } from "@rabbitloom/workflow";
import type { FileAccess, FolderType } from "../nodes/context.ts";

/** Absolute paths. */
export type Folders = Readonly<Record<FolderType, string>>;

/** Finds files in the three folders; a name that leads out of its folder is refused. */
export function createFileAccess(folders: Folders): FileAccess {
  function inside(type: FolderType, name: string): string {
    const root = folders[type];
    const resolved = path.resolve(root, name);
    if (name.includes("\0") || !(resolved === root || resolved.startsWith(root + path.sep))) {
      throw new CodedError(
        "FILE_REFUSED",
        `file name ${JSON.stringify(name)} leads out of the ${type} folder`,
      );
    }
    return resolved;
  }

  return {
    folder: (type) => folders[type],
    path: ({ type, subfolder = "", filename }) => {
      // Checked by itself too: `../a` with a subfolder would otherwise reach the subfolder's neighbours.
      inside(type, filename);
      return inside(type, path.join(subfolder, filename));
    },
    annotatedPath(name, defaultType = "input") {
      const { folder, name: plain } = annotatedFile(name, defaultType);
      return inside(folder, plain);
    },
    async list(type) {
      const entries = await readdir(folders[type], { withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => !entry.isDirectory())
        .map(({ name }) => name)
        .sort((a, b) => (a < b ? -1 : 1));
    },
  };
}

/** Makes the folders that are not there yet. */
export async function makeFolders(folders: Folders): Promise<void> {
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
}
