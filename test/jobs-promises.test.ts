/** What stays of a job that could not be published. */
import { expect, test } from "vitest";
import { openStore, submitted, withdrawn } from "./support/job-store.ts";

test("a job that a client of its tenant counts on is not withdrawn, and one that is withdrawn cannot be counted on", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  for (const jobId of ["kept", "theirs", "gone"]) {
    await submitted(store, { jobId, tenant: "acme" });
  }

  const promised = [
    await other.promise({ tenant: "acme" }, "kept"),
    await other.promise({ tenant: "beta" }, "theirs"),
  ];
  const gone = [];
  for (const jobId of ["kept", "theirs", "gone"]) gone.push(await withdrawn(store, jobId));

  expect(promised).toEqual([true, false]);
  expect(gone).toEqual([false, true, true]);
  expect(await other.promise({ tenant: "acme" }, "gone")).toBe(false);
  expect(await store.view("every-tenant", "kept")).toMatchObject({ state: "pending" });
});
