import { readFile } from "node:fs/promises";
import * as z from "zod";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  testResults: z.array(
    z.object({
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string() })),
    }),
  ),
});

/**
 * Counts a vitest run by its JSON report. A file that could not be loaded or set up has no tests that failed: it counts as
 * one failure, and so does a run that ends badly, or without a report, for any other reason.
 */
export async function tallyOfReport(file: string, exitCode: number): Promise<Tally> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: exitCode === 0 ? 0 : 1 };
  const report = reportSchema.parse(JSON.parse(text));
  const withoutTests = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((assertion) => assertion.status === "failed"),
  );
  const failed = report.numFailedTests + withoutTests.length;
  return { passed: report.numPassedTests, failed: failed === 0 && exitCode !== 0 ? 1 : failed };
}

export function addTallies(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failed: tallies.reduce((sum, { failed }) => sum + failed, 0),
  };
}
