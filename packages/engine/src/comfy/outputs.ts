import path from "node:path";
import type { OutputFile, Outputs } from "@rabbitloom/protocol";
import type { Folders } from "../files/folders.ts";

/** A file that a prompt wrote, as ComfyUI names it, and where it lies. */
export interface ComfyFile extends OutputFile {
  readonly abs_path: string;
}

/** What one output node showed: files under `images`, `audio`, `latents` and the like, values under other names. */
export interface ComfyOutput {
  readonly images?: readonly ComfyFile[];
  readonly [name: string]: readonly unknown[] | undefined;
}

/** By node id. */
export type ComfyOutputs = Readonly<Record<string, ComfyOutput>>;

/** Adds `abs_path` to every file among the outputs. */
export function outputsWithPaths(outputs: Outputs, folders: Folders): ComfyOutputs {
  const completed: Record<string, ComfyOutput> = {};
  for (const [id, output] of Object.entries(outputs)) {
    const lists: Record<string, readonly unknown[]> = {};
    for (const [name, list] of Object.entries(output)) {
      if (!Array.isArray(list)) continue;
      lists[name] = list.map((entry: unknown) =>
        isFile(entry) ? withPath(entry, folders) : entry,
      );
    }
    completed[id] = lists;
  }
  return completed;
}

function withPath(file: OutputFile, folders: Folders): ComfyFile {
  return { ...file, abs_path: path.join(folders[file.type], file.subfolder, file.filename) };
}

function isFile(value: unknown): value is OutputFile {
  return (
    typeof value === "object" &&
    value !== null &&
    "filename" in value &&
    typeof value.filename === "string" &&
    "subfolder" in value &&
    typeof value.subfolder === "string" &&
    "type" in value &&
    (value.type === "input" || value.type === "output" || value.type === "temp")
  );
}
