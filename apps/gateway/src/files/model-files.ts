import { open, readdir } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { parseJson } from "@rabbitloom/workflow";
import { pathInside } from "./folders.ts";
import { isImageName } from "./media-type.ts";

/** Model files as far as this machine has them: workers may be elsewhere, with folders of their own. */
export interface ModelFiles {
  /** The file's path; undefined where it is not here, or the name leads out of its folder. */
  find(folder: string, name: string): Promise<string | undefined>;
}

export function modelFiles(roots: readonly string[]): ModelFiles {
  return {
    async find(folder, name) {
      for (const root of roots) {
        const inFolder = await pathInside(root, folder);
        if (inFolder === undefined || inFolder === root) continue;
        const path = await pathInside(inFolder, name);
        if (path !== undefined && path !== inFolder && (await isFile(path))) return path;
      }
      return undefined;
    },
  };
}

/** A header longer than this is no header: ComfyUI's own limit. */
const MAX_HEADER_BYTES = 100 * 2 ** 20;

/** What a .safetensors file says of itself under `__metadata__`; undefined where it says nothing. */
export async function safetensorsMetadata(path: string): Promise<unknown> {
  await using file = await open(path);
  const length = Buffer.alloc(8);
  if ((await file.read(length, 0, 8, 0)).bytesRead < 8) return undefined;
  const bytes = Number(length.readBigUInt64LE());
  if (bytes > MAX_HEADER_BYTES || bytes > (await file.stat()).size - 8) return undefined;
  const header = Buffer.alloc(bytes);
  await file.read(header, 0, bytes, 8);
  try {
    const parsed = parseJson(header.toString("utf8"));
    return typeof parsed === "object" && parsed !== null && "__metadata__" in parsed
      ? parsed.__metadata__
      : undefined;
  } catch {
    return undefined;
  }
}

/** The picture beside a model: `name.preview.png` before `name.png`. */
export async function pictureBeside(path: string): Promise<string | undefined> {
  const stem = basename(path, extname(path));
  const names = (await readdir(dirname(path)))
    .filter((name) => name.startsWith(`${stem}.`) && isImageName(name) && extname(name) !== ".svg")
    .sort();
  const name = names.find((each) => each.startsWith(`${stem}.preview.`)) ?? names[0];
  return name === undefined ? undefined : join(dirname(path), name);
}

async function isFile(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    return (await file.stat()).isFile();
  } catch {
    return false;
  }
}
