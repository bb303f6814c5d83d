import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addTallies, tallyOfReport } from "../src/install/test-tally.ts";

const passing = { status: "passed", assertionResults: [{ status: "passed" }] };
const failing = { status: "failed", assertionResults: [{ status: "failed" }] };
const notSetUp = { status: "failed", assertionResults: [{ status: "skipped" }] };
const unloaded = { status: "failed", assertionResults: [] };

test.each([
  ["all passed", 0, 3, 0, [passing], { passed: 3, failed: 0 }],
  ["one failed", 1, 2, 1, [passing, failing], { passed: 2, failed: 1 }],
  ["a file could not be loaded", 1, 2, 0, [passing, unloaded], { passed: 2, failed: 1 }],
  ["a file could not be set up", 1, 2, 1, [failing, notSetUp], { passed: 2, failed: 2 }],
  ["an error outside of any test", 1, 2, 0, [passing], { passed: 2, failed: 1 }],
])("%s", async (_what, exitCode, numPassedTests, numFailedTests, testResults, tally) => {
  const folder = await mkdtemp(join(tmpdir(), "loom-tally-"));
  const file = join(folder, "report.json");
  await writeFile(file, JSON.stringify({ numPassedTests, numFailedTests, testResults }));
  expect(await tallyOfReport(file, exitCode)).toEqual(tally);
  await rm(folder, { recursive: true });
});

test("a run that left no report counts as a failure", async () => {
  expect(await tallyOfReport("/no/such/report.json", 1)).toEqual({ passed: 0, failed: 1 });
});

test("tallies add up", () => {
  expect(
    addTallies([
      { passed: 1, failed: 0 },
      { passed: 2, failed: 3 },
    ]),
  ).toEqual({ passed: 3, failed: 3 });
});
