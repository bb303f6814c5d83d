import { readdir, stat } from "node:fs/promises";
import type { ListedValues } from "@rabbitloom/protocol";
import type { Folders } from "../files/folders.ts";
import { isImageName } from "../files/media-type.ts";

type FileList = Extract<ListedValues, { kind: "files" }>;

/** Files of the top of a folder, as combos list them. Read again only when the folder has changed. */
export interface FolderListing {
  /** Changes with the folders' contents. */
  version(): Promise<string>;
  names(list: FileList): Promise<string[]>;
}

export function folderListing(folders: Folders): FolderListing {
  return {
    async version() {
      const times = await Promise.all(
        Object.values(folders).map((folder) =>
          stat(folder).then(
            ({ mtimeMs }) => mtimeMs,
            () => 0,
          ),
        ),
      );
      return times.join(" ");
    },
    async names({ folder, media }) {
      const entries = await readdir(folders[folder], { withFileTypes: true }).catch(() => []);
      return entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith("."))
        .map(({ name }) => name)
        .filter((name) => isOfMedia(name, media))
        .sort(byCodeUnits);
    },
  };
}

function isOfMedia(name: string, media: FileList["media"]): boolean {
  if (media === "image") return isImageName(name);
  return media === "latent" ? name.endsWith(".latent") : true;
}

/** The order in which Python sorts names. */
function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
