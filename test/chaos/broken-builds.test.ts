/** The checker on fleets that break their promise: real programs, each with one thing done wrong. */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { compilePrograms } from "./compile.ts";
import type { Fault } from "./faults.ts";
import type { ChaosFleet } from "./fleet.ts";
import type { Program } from "./program.ts";
import { type ChaosOptions, runChaos } from "./run-chaos.ts";
import type { Rule } from "./verdict.ts";

beforeAll(compilePrograms);

const broken = (name: string) => fileURLToPath(new URL(`broken/${name}.mjs`, import.meta.url));

/** Longer than a run: no gateway makes good what the broken part has lost. */
const NEVER_SECONDS = 3_600;

const killed: Fault = {
  name: "every worker killed while all are busy",
  weight: 1,
  async strike({ fleet, flood }) {
    const flooding = flood("normal");
    await delay(1_000);
    for (const worker of fleet.workers) worker.kill("SIGKILL");
    await flooding;
  },
};

const flooded: Fault = {
  name: "a lane flooded",
  weight: 1,
  strike: ({ flood }) => flood("low"),
};

/** Until a gateway has given the attempt up, and another worker has run the job. */
const FREEZE_MS = 12_000;
/** A job that still runs so much later has some way to go. */
const LONG_MS = 150;
const FREEZES = 3;

const frozen: Fault = {
  name: "workers frozen in the middle of a job",
  weight: 1,
  async strike({ fleet }) {
    for (let freeze = 0; freeze < FREEZES; freeze++) {
      const worker = await busyWorker(fleet);
      worker.kill("SIGSTOP");
      await delay(FREEZE_MS);
      worker.kill("SIGCONT");
    }
  },
};

async function busyWorker({ store, workers }: ChaosFleet): Promise<Program> {
  for (;;) {
    const before = new Set((await store.attempts()).map(({ jobId }) => jobId));
    await delay(LONG_MS);
    const job = (await store.attempts()).find(({ jobId }) => before.has(jobId));
    const record = job && (await store.find("every-tenant", job.jobId));
    const registered = (await store.workers()).find(
      ({ workerId }) => workerId === record?.workerId,
    );
    const worker = workers.find(({ pid }) => pid === registered?.pid);
    if (worker !== undefined) return worker;
  }
}

type Case = Pick<ChaosOptions, "preload" | "missingSeconds"> & {
  readonly faults: readonly Fault[];
  readonly rule: Rule;
};

test.each<[string, Case]>([
  [
    "workers that acknowledge before they commit",
    {
      preload: { worker: broken("early-ack") },
      faults: [killed],
      missingSeconds: NEVER_SECONDS,
      rule: "accepted-ends",
    },
  ],
  [
    "gateways that publish without a confirm",
    {
      preload: { gateway: broken("no-confirm") },
      faults: [flooded],
      missingSeconds: NEVER_SECONDS,
      rule: "accepted-ends",
    },
  ],
  [
    "workers that lose events",
    { preload: { worker: broken("lost-events") }, faults: [flooded], rule: "no-gap" },
  ],
  [
    "workers that commit without the attempt's fence",
    {
      preload: { worker: broken("no-fence") },
      faults: [frozen],
      missingSeconds: 3,
      rule: "one-end",
    },
  ],
])(
  "the checker catches %s",
  async (_what, { rule, ...build }) => {
    const report = await runChaos({
      seed: 1,
      minutes: 0.1,
      jobs: 100_000,
      settleSeconds: 10,
      restSeconds: 1,
      print: console.log,
      ...build,
    });

    expect(report.violations.map((violation) => violation.rule)).toContain(rule);
  },
  600_000,
);
