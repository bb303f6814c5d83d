import { dirname } from "node:path";
import { isCodedError } from "@rabbitloom/protocol";
import type { FileLookup } from "@rabbitloom/workflow";
import { checkRelative, existingFile, type Folders } from "./folders.ts";

/** Tells validation whether a file that a node names is there; one outside its folder never is. */
export function fileLookup(folders: Folders): FileLookup {
  return async ({ folder, name }) => {
    try {
      checkRelative(name, "file");
      const directory = dirname(name);
      return (
        (await existingFile(folders[folder], directory === "." ? "" : directory, name)) !==
        undefined
      );
    } catch (error) {
      if (isCodedError(error)) return false;
      throw error;
    }
  };
}
