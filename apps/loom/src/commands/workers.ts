import { setTimeout as delay } from "node:timers/promises";
import * as z from "zod";
import { defineCommand, wholeNumber } from "../cli/command.ts";
import { dataOption, dataSchema } from "../cli/data-option.ts";
import { UsageError } from "../cli/usage-error.ts";
import { currentFleet } from "../fleet/current-fleet.ts";
import { fleetStatus, type WorkerStatus } from "../fleet/fleet-status.ts";
import { writeWantedWorkers } from "../fleet/state.ts";

const TIMEOUT_MS = 60_000;
const POLL_MS = 100;

export const workers = defineCommand({
  name: "workers",
  summary: "Make it N live workers on a running fleet; dead ones are replaced",
  operands: "N",
  operandCount: [1, 1],
  options: { data: dataOption },
  schema: z.object({ data: dataSchema }),
  notes: "Returns when they are registered. Workers that are too many finish their job first.",
  async run({ data }, [operand]) {
    const count = wholeNumber(0, 64).safeParse(operand);
    if (!count.success) {
      throw new UsageError(`loom workers: ${count.error.issues[0]?.message}, got ${operand}`);
    }
    const fleet = await currentFleet(data);
    if (!fleet?.isSupervised || fleet.state.phase !== "ready") {
      throw new Error(`no fleet is up in ${data}: ./loom up starts one`);
    }
    await writeWantedWorkers(data, count.data);
    process.kill(fleet.state.supervisor.pid, "SIGUSR2");
    const live = await waitForWorkers(data, count.data);
    const names = live.length === 0 ? "jobs wait" : live.map(({ id }) => id).join(", ");
    console.log(`${live.length} worker${live.length === 1 ? "" : "s"}: ${names}`);
    return 0;
  },
});

async function waitForWorkers(data: string, count: number): Promise<readonly WorkerStatus[]> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const { workers: list } = await fleetStatus(data);
    const settled = list.filter(({ state }) => state === "idle" || state === "busy");
    if (settled.length === count && list.length === count) return list;
    if (Date.now() > deadline) {
      const found = list.map(({ id, state }) => `${id} ${state}`).join(", ");
      throw new Error(`expected ${count} live workers after ${TIMEOUT_MS / 1000} s, got: ${found}`);
    }
    await delay(POLL_MS);
  }
}
