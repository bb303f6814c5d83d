import { readdir } from "node:fs/promises";

/** One more than the highest number of a file prefix_00001_... in the folder; 1 for a folder that is not there. */
export async function firstFreeNumber(directory: string, prefix: string): Promise<number> {
  let highest = 0;
  for (const name of await namesIn(directory)) {
    if (!name.startsWith(`${prefix}_`)) continue;
    const number = Number.parseInt(name.slice(prefix.length + 1), 10);
    if (number > highest) highest = number;
  }
  return highest + 1;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
