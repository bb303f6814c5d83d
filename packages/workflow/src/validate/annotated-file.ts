export type FileFolder = "input" | "output" | "temp";

const ANNOTATED = /^(.*?) ?\[(input|output|temp)\]$/s;

/** A file name as widgets write it: `sub/a.png`, or `a.png [output]` for another folder than the input's own. */
export function annotatedFile(
  text: string,
  defaultFolder: FileFolder,
): { folder: FileFolder; name: string } {
  const match = ANNOTATED.exec(text);
  const [, name, folder] = match ?? [];
  if (name === undefined || (folder !== "input" && folder !== "output" && folder !== "temp")) {
    return { folder: defaultFolder, name: text };
  }
  return { folder, name };
}
