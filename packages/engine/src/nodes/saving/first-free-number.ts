import { readdir } from "node:fs/promises";

/**
 * One more than the highest number of a file prefix_00001_... in the folder; 1 for a folder that is not there. Where the
 * prefix has %batch_num%, any number stands for it.
 */
export async function firstFreeNumber(directory: string, prefix: string): Promise<number> {
  const texts = `${prefix}_`.split("%batch_num%");
  let highest = 0;
  for (const name of await namesIn(directory)) {
    const number = numberOf(name, texts);
    if (number > highest && Number.isSafeInteger(number)) highest = number;
  }
  return highest + 1;
}

/**
 * The number behind `texts`, any number between two of them; 0 where there is none. No pattern: one would deal the digits of
 * a name out among the numbers in every way there is. Taking the first place where a text fits leaves the most for the rest.
 */
function numberOf(name: string, [first = "", ...others]: readonly string[]): number {
  if (!name.startsWith(first)) return 0;
  let end = first.length;
  for (const text of others) {
    do {
      if (!isDigit(name, end)) return 0;
      end += 1;
    } while (!name.startsWith(text, end));
    end += text.length;
  }
  const start = end;
  while (isDigit(name, end)) end += 1;
  return Number(name.slice(start, end));
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 0x30 && code <= 0x39;
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
