import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { ModelCatalog } from "@rabbitloom/protocol";
import { CodedError } from "@rabbitloom/protocol";
import type { ModelFiles } from "../nodes/context.ts";

/** What counts as a model; other files (notes, pictures, configs) are not listed. */
const EXTENSIONS = new Set([
  ".safetensors",
  ".sft",
  ".ckpt",
  ".pt",
  ".pt2",
  ".pth",
  ".bin",
  ".pkl",
  ".gguf",
  ".onnx",
]);

/** Model folders that ComfyUI renamed, and one that it shows among another's: a name means the files of all. */
const OTHER_NAMES: Readonly<Record<string, readonly string[]>> = {
  diffusion_models: ["unet"],
  unet: ["diffusion_models"],
  controlnet: ["t2i_adapter"],
  text_encoders: ["clip"],
  clip: ["text_encoders"],
};

/** Looks models up in ComfyUI's layout: `<root>/checkpoints/...`, `<root>/loras/...`; the first root that has a file wins. */
export function createModelFiles(roots: readonly string[]): ModelFiles {
  function find(folder: string): Map<string, string> {
    const found = new Map<string, string>();
    for (const root of roots) {
      for (const name of [folder, ...(OTHER_NAMES[folder] ?? [])]) {
        for (const file of filesBelow(path.join(root, name))) {
          if (!found.has(file)) found.set(file, path.join(root, name, file));
        }
      }
    }
    return found;
  }

  return {
    list: (folder) => [...find(folder).keys()].sort((a, b) => (a < b ? -1 : 1)),
    path(folder, name) {
      const files = find(folder);
      const file = files.get(name);
      if (file !== undefined) return file;
      const known = [...files.keys()].slice(0, 20).map((other) => JSON.stringify(other));
      throw new CodedError(
        "MODEL_MISSING",
        `there is no model ${JSON.stringify(name)} in ${folder}; there ${
          known.length === 0 ? "is none" : `are ${known.join(", ")}`
        }`,
      );
    },
  };
}

/** Every folder directly under the roots, with its files. */
export function modelCatalog(roots: readonly string[], models: ModelFiles): ModelCatalog {
  const folders = new Set<string>();
  for (const root of roots) {
    for (const entry of entriesOf(root)) {
      if (!entry.isDirectory() || entry.name.startsWith(".")) continue;
      folders.add(entry.name);
      for (const [folder, others] of Object.entries(OTHER_NAMES)) {
        if (others.includes(entry.name)) folders.add(folder);
      }
    }
  }
  const catalog: ModelCatalog = {};
  for (const folder of [...folders].sort((a, b) => (a < b ? -1 : 1))) {
    catalog[folder] = [...models.list(folder)];
  }
  return catalog;
}

/** Names relative to the folder, with forward slashes; links are followed. */
function filesBelow(folder: string, prefix = "", depth = 0): string[] {
  if (depth > MAX_DEPTH) return [];
  const found: string[] = [];
  for (const entry of entriesOf(path.join(folder, prefix))) {
    if (entry.name.startsWith(".")) continue;
    const name = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    const kind = entry.isSymbolicLink() ? statOf(path.join(folder, name)) : entry;
    if (kind?.isDirectory()) found.push(...filesBelow(folder, name, depth + 1));
    else if (kind?.isFile() && EXTENSIONS.has(path.extname(name).toLowerCase())) found.push(name);
  }
  return found;
}

/** Stops links that lead back up. */
const MAX_DEPTH = 8;

function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function statOf(file: string) {
  return statSync(file, { throwIfNoEntry: false });
}
