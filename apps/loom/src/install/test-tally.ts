import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import * as z from "zod";

export interface Tally {
  readonly passed: number;
  readonly failed: number;
  /** What failed, for the end of the output; not always as many as `failed` says. */
  readonly failures: readonly string[];
}

const reportSchema = z.object({
  numPassedTests: z.int(),
  numFailedTests: z.int(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
});

/**
 * Counts a vitest run by its JSON report. A file that could not be loaded or set up has no tests that failed: it counts as
 * one failure, and so does a run that ends badly, or without a report, for any other reason.
 */
export async function tallyOfReport(file: string, exitCode: number): Promise<Tally> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) {
    return exitCode === 0
      ? NOTHING
      : { passed: 0, failed: 1, failures: ["a run without a report"] };
  }
  const report = reportSchema.parse(JSON.parse(text));
  const withoutTests = report.testResults.filter(
    ({ status, assertionResults }) =>
      status === "failed" && !assertionResults.some((assertion) => assertion.status === "failed"),
  );
  const failed = report.numFailedTests + withoutTests.length;
  if (failed === 0 && exitCode !== 0) {
    return { passed: report.numPassedTests, failed: 1, failures: ["an error outside of any test"] };
  }
  const failedTests = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === "failed")
      .map(({ fullName }) => `${relative(process.cwd(), name)} > ${fullName}`),
  );
  const failures = [
    ...failedTests,
    ...withoutTests.map(({ name }) => `${relative(process.cwd(), name)}: could not be set up`),
  ];
  return { passed: report.numPassedTests, failed, failures };
}

const NOTHING: Tally = { passed: 0, failed: 0, failures: [] };

export function addTallies(tallies: readonly Tally[]): Tally {
  return tallies.reduce(
    (sum, { passed, failed, failures }) => ({
      passed: sum.passed + passed,
      failed: sum.failed + failed,
      failures: [...sum.failures, ...failures],
    }),
    NOTHING,
  );
}
