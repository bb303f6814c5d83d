import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { runTool } from "./run-tool.ts";

const listSchema = z.array(z.unknown());

/** Those that no test file's path contains: a slip of the pen must not pass for a run without failures. */
export async function unmatchedFilters(filters: readonly string[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "loom-filters-"));
  try {
    const unmatched: string[] = [];
    for (const filter of filters) {
      const file = join(folder, "files.json");
      const code = await runTool("vitest", ["list", "--filesOnly", `--json=${file}`, filter]);
      if (code !== 0) throw new Error(`vitest cannot list its files: exit code ${code}`);
      if (listSchema.parse(JSON.parse(await readFile(file, "utf8"))).length === 0)
        unmatched.push(filter);
    }
    return unmatched;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
