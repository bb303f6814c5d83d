import * as z from "zod";
import type { FileNumberStore, FileNumbers } from "./file-numbers.ts";
import { allocateScript, forgetLeftoverScript, leftoversScript } from "./scripts/names.ts";
import type { StoreContext } from "./store-context.ts";

/** Numbers for the names of files. */
export function names({ run }: StoreContext): FileNumberStore {
  return {
    async allocateNumbers({ jobId, attempt, count, seed, above, ...numbered }) {
      const place = placeOf(numbered);
      const allocate = async (highest: number | "") =>
        z.number().parse(await run(allocateScript, place, count, highest, jobId, attempt));

      const first = await allocate(above ?? "");
      return { first: first < 0 ? await allocate(await seed()) : first };
    },
    async leftovers() {
      const entries = z.array(z.string()).parse(await run(leftoversScript));
      return entries.map((entry) => {
        const [endedAt, tenant, ...note] = entrySchema.parse(JSON.parse(entry));
        const [numbers] = notedNumbers(note);
        if (numbers === undefined || tenant === undefined)
          throw new Error(`not a leftover: ${entry}`);
        return { tenant, endedAt: Number(endedAt), ...numbers };
      });
    },
    async forgetLeftover(leftover) {
      const { endedAt, tenant, first, count, givenAt } = leftover;
      await run(forgetLeftoverScript, endedAt, tenant, placeOf(leftover), first, count, givenAt);
    },
  };
}

/** Reads the notes that a claim answers: place, first number, count and time, one after another. */
export function notedNumbers(parts: readonly (string | number)[]): FileNumbers[] {
  const noted: FileNumbers[] = [];
  for (let index = 0; index + 3 < parts.length; index += 4) {
    const [type, subfolder, prefix] = placeSchema.parse(JSON.parse(String(parts[index])));
    const [first = 0, count = 0, givenAt = 0] = parts.slice(index + 1, index + 4).map(Number);
    noted.push({ type, subfolder, prefix, first, count, givenAt });
  }
  return noted;
}

function placeOf({
  type,
  subfolder,
  prefix,
}: Pick<FileNumbers, "type" | "subfolder" | "prefix">): string {
  return JSON.stringify([type, subfolder, prefix]);
}

const entrySchema = z.array(z.string()).length(6);
const placeSchema = z.tuple([z.enum(["output", "temp"]), z.string(), z.string()]);
