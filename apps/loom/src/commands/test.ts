import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as z from "zod";
import { defineCommand } from "../cli/command.ts";
import { buildConsole } from "../install/build-console.ts";
import { runTool } from "../install/run-tool.ts";
import { ensureInstalled, requirements } from "../install/system-packages.ts";
import { addTallies, type Tally, tallyOfReport } from "../install/test-tally.ts";

export const test = defineCommand({
  name: "test",
  summary: "Build, lint, type-check, and run every test, against real servers and Chromium",
  operands: "[FILTER...]",
  operandCount: [0, 100],
  options: {},
  schema: z.object({}),
  notes:
    "RabbitMQ, Redis, Chromium, Python and curl are installed with apt-get where they are missing and that is\n" +
    "allowed. With FILTER only the test files whose path contains one of them run, and nothing else is checked.\n" +
    "The last line is always `N passed, N failed`; the exit code is 0 when none failed.",
  async run(_values, filters) {
    const { rabbitmq, redis, chromium, python, curl } = requirements;
    await ensureInstalled([rabbitmq, redis, chromium, python, curl]);
    const tallies: Tally[] = [];
    if (filters.length === 0) {
      tallies.push(await check("build", () => runTool("tsc", ["-b"])));
      tallies.push(
        await check("types of the tests", () => runTool("tsc", ["-p", "tsconfig.tests.json"])),
      );
      tallies.push(await check("lint", () => runTool("biome", ["check"])));
      tallies.push(await check("page", buildConsole));
    }
    tallies.push(await vitest("unit", filters));
    tallies.push(await vitest("broker", filters));
    const { passed, failed } = addTallies(tallies);
    console.log(`\n${passed} passed, ${failed} failed`);
    return failed === 0 ? 0 : 1;
  },
});

async function check(name: string, run: () => Promise<number>): Promise<Tally> {
  const startedAt = Date.now();
  const code = await run();
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.log(`${name}: ${code === 0 ? "passed" : `failed, exit code ${code}`} (${seconds} s)`);
  return code === 0 ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 };
}

/** Runs one vitest project and counts by its own report. */
async function vitest(project: string, filters: readonly string[]): Promise<Tally> {
  const folder = await mkdtemp(join(tmpdir(), "loom-report-"));
  try {
    const report = join(folder, "report.json");
    const code = await runTool("vitest", [
      "run",
      "--project",
      project,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${report}`,
      ...(filters.length > 0 ? ["--passWithNoTests", ...filters] : []),
    ]);
    return await tallyOfReport(report, code);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
