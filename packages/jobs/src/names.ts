import * as z from "zod";
import type { JobStore } from "./job-store.ts";
import { allocateScript, noteFilesScript } from "./scripts/names.ts";
import type { StoreContext } from "./store-context.ts";

/** Numbers for the names of files. */
export function names(
  { run }: StoreContext,
  onProblem: (error: Error) => void,
): Pick<JobStore, "allocateNumbers"> {
  return {
    async allocateNumbers({ jobId, attempt, type, subfolder, prefix, count, files, seed }) {
      const place = JSON.stringify([type, subfolder, prefix]);
      const allocate = async (highest: number | "") =>
        z.number().parse(await run(allocateScript, place, count, highest));

      let first = await allocate("");
      if (first < 0) first = await allocate(await seed());
      // Sent before any of the files can be there, and nobody has to wait for the answer.
      run(noteFilesScript, jobId, attempt, JSON.stringify(files(first))).catch(onProblem);
      return { first };
    },
  };
}
