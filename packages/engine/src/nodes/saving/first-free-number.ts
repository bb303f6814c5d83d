import { readdir } from "node:fs/promises";

/**
 * One more than the highest number of a file prefix_00001_... in the folder; 1 for a folder that is not there. Where the
 * prefix has %batch_num%, any number stands for it.
 */
export async function firstFreeNumber(directory: string, prefix: string): Promise<number> {
  const parts = prefix.split("%batch_num%").map(escaped);
  const numbered = new RegExp(`^${parts.join("\\d+")}_(\\d+)`);
  let highest = 0;
  for (const name of await namesIn(directory)) {
    const number = Number(numbered.exec(name)?.[1] ?? 0);
    if (number > highest) highest = number;
  }
  return highest + 1;
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
