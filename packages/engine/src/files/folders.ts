import { realpathSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { CodedError } from "@rabbitloom/protocol";
import { annotatedFile } from "@rabbitloom/workflow";
import type { FileAccess, FolderType } from "../nodes/context.ts";

/** Absolute paths. */
export type Folders = Readonly<Record<FolderType, string>>;

/** Finds files in the three folders; a name that leads out of its folder, by itself or by a link, is refused. */
export function createFileAccess(folders: Folders): FileAccess {
  function inside(type: FolderType, name: string): string {
    const root = folders[type];
    const resolved = path.resolve(root, name);
    if (name.includes("\0") || !isWithin(root, resolved) || !isReallyWithin(root, resolved)) {
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

function isWithin(root: string, file: string): boolean {
  return file === root || file.startsWith(root + path.sep);
}

/** Where links lead: of the file, or of the nearest folder on its way that is there. */
function isReallyWithin(root: string, file: string): boolean {
  const realRoot = realPath(root);
  for (let part = file; realRoot !== undefined && part.length > root.length; ) {
    const real = realPath(part);
    if (real !== undefined) return isWithin(realRoot, real);
    part = path.dirname(part);
  }
  return true;
}

function realPath(file: string): string | undefined {
  try {
    return realpathSync(file);
  } catch {
    return undefined;
  }
}

/** Makes the folders that are not there yet. */
export async function makeFolders(folders: Folders): Promise<void> {
  for (const folder of Object.values(folders)) await mkdir(folder, { recursive: true });
}
