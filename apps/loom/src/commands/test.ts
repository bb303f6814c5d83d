import { mkdtemp, rm } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { UsageError } from "../cli/usage-error.ts";
import { buildConsole } from "../install/build-console.ts";
import { auditDependencies, checkLicences } from "../install/check-dependencies.ts";
import { runTool } from "../install/run-tool.ts";
import { ensureInstalled, requirements } from "../install/system-packages.ts";
import { addTallies, type Tally, tallyOfReport } from "../install/test-tally.ts";
import { unmatchedFilters } from "../install/unmatched-filters.ts";

export const test = defineCommand({
  name: "test",
  summary: "Build, lint, type-check, and run every test, against real servers and Chromium",
  operands: "[FILTER...]",
  operandCount: [0, 100],
  options: {},
  schema: z.object({}),
  notes:
    "RabbitMQ, Redis, Chromium, Python and curl are installed with apt-get where they are missing and that is\n" +
    "allowed. With FILTER only the test files whose path contains one of them run, and nothing else is checked; one\n" +
    "that no path contains is an error. After a run the last line is always `N passed, N failed`;\n" +
    "the exit code is 0 when none failed.",
  async run(_values, filters) {
    const unmatched = await unmatchedFilters(filters);
    if (unmatched.length > 0) {
      const quoted = unmatched.map((filter) => JSON.stringify(filter)).join(", ");
      throw new UsageError(`loom test: no test file's path contains ${quoted}`);
    }
    const { rabbitmq, redis, chromium, python, pythonWebsocket, pythonRequests, curl } =
      requirements;
    await ensureInstalled([
      rabbitmq,
      redis,
      chromium,
      python,
      pythonWebsocket,
      pythonRequests,
      curl,
    ]);
    const tallies: Tally[] = [];
    if (filters.length === 0) {
      tallies.push(await check("build", () => runTool("tsc", ["-b"])));
      tallies.push(
        await check("types of the tests", () => runTool("tsc", ["-p", "tsconfig.tests.json"])),
      );
      tallies.push(await check("lint", () => runTool("biome", ["check"])));
      tallies.push(await check("page", buildConsole));
      tallies.push(await check("licences", checkLicences));
      tallies.push(await check("audit", auditDependencies));
    }
    // One more than there are cores: the files that wait take next to nothing of them.
    const atOnce = [`--maxWorkers=${availableParallelism() + 1}`];
    tallies.push(await vitest(["unit", "waiting"], filters, atOnce));
    tallies.push(await vitest(["broker"], filters));
    const { passed, failed, failures } = addTallies(tallies);
    for (const failure of failures) console.log(`failed: ${failure}`);
    console.log(`\n${passed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  },
});

/** A check that could not be made counts neither way: it has said so itself. */
async function check(name: string, run: () => Promise<number | undefined>): Promise<Tally> {
  const startedAt = Date.now();
  const code = await run();
  if (code === undefined) return { passed: 0, failed: 0, failures: [] };
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${name}: ${code === 0 ? "passed" : `failed, exit code ${code}`} (${seconds} s)`);
  return code === 0
    ? { passed: 1, failed: 0, failures: [] }
    : { passed: 0, failed: 1, failures: [name] };
}

/** Runs vitest projects and counts by their report. */
async function vitest(
  projects: readonly string[],
  filters: readonly string[],
  options: readonly string[] = [],
): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), "loom-report-"));
  try {
    const report = join(folder, "report.json");
    const code = await runTool("vitest", [
      "run",
      ...projects.map((project) => `--project=${project}`),
      "--reporter=default",
      "--reporter=json",
      "--reporter=./test/support/second-tries.ts",
      `--outputFile.json=${report}`,
      ...options,
      ...(filters.length > 0 ? ["--passWithNoTests", ...filters] : []),
    ]);
    return await tallyOfReport(report, code);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
