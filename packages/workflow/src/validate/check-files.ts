import type { NodeErrorReason } from "@rabbitloom/protocol";
import { annotatedFile, type FileFolder } from "./annotated-file.ts";
import type { DeclaredInput } from "./class-facts.ts";
import { customFailed, notInList } from "./problems.ts";
import type { VisitedNode } from "./visit-nodes.ts";

export type FileLookup = (file: {
  readonly folder: FileFolder;
  /** Relative to the folder, as the prompt says it: not yet checked against `..`. */
  readonly name: string;
}) => boolean | Promise<boolean>;

/** Looks up the files that nodes name; adds a reason where one is not there. */
export function checkFiles(
  visited: ReadonlyMap<string, VisitedNode>,
  fileExists: FileLookup,
  isAsked: (classType: string) => boolean,
): Promise<void>[] {
  const checks: Promise<void>[] = [];
  for (const node of visited.values()) {
    for (const input of node.facts.inputs) {
      const value = node.inputs[input.name];
      const { listed } = input;
      if (listed?.kind !== "files" || typeof value !== "string") continue;
      // Where the class looks itself, asking twice would report twice.
      if (input.isValidatedByClass && isAsked(node.classType)) continue;
      checks.push(check(node, input, value, listed.folder));
    }
  }
  return checks;

  async function check(
    node: VisitedNode,
    input: DeclaredInput,
    value: string,
    folder: FileFolder,
  ): Promise<void> {
    if (!(await fileExists(annotatedFile(value, folder))))
      node.reasons.push(missingFile(input, value, folder));
  }
}

/** ComfyUI's loaders say it in their own validation; other classes by the list of files. */
function missingFile(input: DeclaredInput, value: string, folder: FileFolder): NodeErrorReason {
  if (!input.isValidatedByClass) {
    return notInList(input, { value, isFloat: false }, `(files of the ${folder} folder)`);
  }
  const media =
    input.listed?.kind === "files" && input.listed.media !== "any" ? `${input.listed.media} ` : "";
  return customFailed(input.name, `Invalid ${media}file: ${value}`);
}
