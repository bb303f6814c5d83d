/** Files that a process was still writing when it was killed. */
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFleet, type TestFleet } from "./support/fleet.ts";
import { until } from "./support/until.ts";

const NODES = "test/node-packs/half-saved.ts";
const halfSaved = (filename_prefix: string) => ({
  "1": { class_type: "HalfSaved", inputs: { filename_prefix } },
});
const folderOf = ({ dataDir }: TestFleet) => join(dataDir, "output", "sub");

test("what a save had written when its deadline stopped it is removed, and another job's is not", async () => {
  await using fleet = await openFleet();
  await fleet.spawnWorker({ NODES, SLOTS: "2", KILL_SECONDS: "0" });
  const other = await fleet.submit(halfSaved("sub/pic"));
  await fleet.jobs.event(other, "node-progress");
  const before = await readdir(folderOf(fleet));
  expect(before).toHaveLength(1);

  const late = await fleet.submit(halfSaved("sub/pic"), { limits: { runSeconds: 2 } });
  await fleet.jobs.event(late, "node-progress");
  expect(await readdir(folderOf(fleet))).toHaveLength(2);
  expect(await fleet.jobs.ended(late, 60_000)).toMatchObject({ error: { code: "RUN_DEADLINE" } });

  expect(await readdir(folderOf(fleet))).toEqual(before);
}, 120_000);

test("what a killed worker was writing is removed with the rest of its attempt, and nobody else's", async () => {
  await using fleet = await openFleet();
  const doomed = await fleet.spawnWorker({ NODES });
  const jobId = await fleet.submit(halfSaved("sub/%batch_num%"));
  await fleet.jobs.event(jobId, "node-progress");
  await writeFile(join(folderOf(fleet), ".somebody.part"), "else's");
  expect(await readdir(folderOf(fleet))).toHaveLength(2);

  await doomed.kill("SIGKILL");
  await fleet.store.cancel("every-tenant", jobId);
  await fleet.startWorker();

  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "cancelled" });
  await until(
    "the file is gone",
    async () => (await readdir(folderOf(fleet))).join() === ".somebody.part",
    30_000,
  );
}, 120_000);
