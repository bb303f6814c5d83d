import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Folders, makeFolders } from "../files/folders.ts";
import type { EngineOptions } from "./engine.ts";

/** Absolute folders, made where they are missing; the temporary one by default fresh and nobody else's. */
export async function openFolders(
  options: Pick<EngineOptions, "input" | "output" | "temp">,
): Promise<Folders> {
  const folders = {
    input: path.resolve(options.input ?? "input"),
    output: path.resolve(options.output ?? "output"),
    temp:
      options.temp === undefined
        ? await mkdtemp(path.join(tmpdir(), "rabbitloom-"))
        : path.resolve(options.temp),
  };
  await makeFolders(folders);
  return folders;
}
