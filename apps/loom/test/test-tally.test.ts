import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addTallies, tallyOfReport } from "../src/install/test-tally.ts";

const name = join(process.cwd(), "test/x.test.ts");
const fullName = "stands";
const of = (status: string) => [{ status, fullName }];
const passing = { name, status: "passed", assertionResults: of("passed") };
const failing = { name, status: "failed", assertionResults: of("failed") };
const notSetUp = { name, status: "failed", assertionResults: of("skipped") };
const unloaded = { name, status: "failed", assertionResults: [] };
const failure = "test/x.test.ts > stands";
const problem = "test/x.test.ts: could not be set up";
const outside = "an error outside of any test";

test.each([
  ["all passed", 0, 3, 0, [passing], { passed: 3, failed: 0, failures: [] }],
  ["one failed", 1, 2, 1, [passing, failing], { passed: 2, failed: 1, failures: [failure] }],
  [
    "a file could not be loaded",
    1,
    2,
    0,
    [passing, unloaded],
    { passed: 2, failed: 1, failures: [problem] },
  ],
  [
    "a file could not be set up",
    1,
    2,
    1,
    [failing, notSetUp],
    { passed: 2, failed: 2, failures: [failure, problem] },
  ],
  [
    "an error outside of any test",
    1,
    2,
    0,
    [passing],
    { passed: 2, failed: 1, failures: [outside] },
  ],
])("%s", async (_what, exitCode, numPassedTests, numFailedTests, testResults, tally) => {
  const folder = await mkdtemp(join(tmpdir(), "loom-tally-"));
  const file = join(folder, "report.json");
  await writeFile(file, JSON.stringify({ numPassedTests, numFailedTests, testResults }));
  expect(await tallyOfReport(file, exitCode)).toEqual(tally);
  await rm(folder, { recursive: true });
});

test("a run that left no report counts as a failure", async () => {
  expect(await tallyOfReport("/no/such/report.json", 1)).toMatchObject({ passed: 0, failed: 1 });
});

test("tallies add up", () => {
  expect(
    addTallies([
      { passed: 1, failed: 0, failures: [] },
      { passed: 2, failed: 2, failures: ["one", "other"] },
    ]),
  ).toEqual({ passed: 3, failed: 2, failures: ["one", "other"] });
});
