import * as z from "zod";
import type { FileNumbers, JobStore } from "./job-store.ts";
import { allocateScript } from "./scripts/names.ts";
import type { StoreContext } from "./store-context.ts";

/** Numbers for the names of files. */
export function names({ run }: StoreContext): Pick<JobStore, "allocateNumbers"> {
  return {
    async allocateNumbers({ jobId, attempt, type, subfolder, prefix, count, seed }) {
      const place = JSON.stringify([type, subfolder, prefix]);
      const allocate = async (highest: number | "") =>
        z.number().parse(await run(allocateScript, place, count, highest, jobId, attempt));

      const first = await allocate("");
      return { first: first < 0 ? await allocate(await seed()) : first };
    },
  };
}

/** Reads the notes that a claim answers: place, first number and count, one after another. */
export function notedNumbers(parts: readonly (string | number)[]): FileNumbers[] {
  const noted: FileNumbers[] = [];
  for (let index = 0; index + 2 < parts.length; index += 3) {
    const [type, subfolder, prefix] = placeSchema.parse(JSON.parse(String(parts[index])));
    const [first, count] = [Number(parts[index + 1]), Number(parts[index + 2])];
    noted.push({ type, subfolder, prefix, first, count });
  }
  return noted;
}

const placeSchema = z.tuple([z.enum(["output", "temp"]), z.string(), z.string()]);
