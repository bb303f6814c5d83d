import { beforeAll, expect, test } from "vitest";
import { compilePrograms } from "./compile.ts";
import { faults } from "./faults.ts";
import { printReport } from "./report.ts";
import { runChaos } from "./run-chaos.ts";

beforeAll(compilePrograms);

test("a fleet on which every fault strikes keeps every promise", async () => {
  const report = await runChaos({
    seed: 7,
    minutes: 0.2,
    jobs: 100_000,
    settleSeconds: 600,
    restSeconds: 300,
    keepsLogs: true,
    print: console.log,
  });

  if (report.violations.length > 0) printReport(report, console.log);
  expect(report.violations).toEqual([]);
  expect(Object.keys(report.struck)).toHaveLength(faults.length);
  expect(Math.min(...Object.values(report.struck))).toBeGreaterThan(0);
}, 2_400_000);
