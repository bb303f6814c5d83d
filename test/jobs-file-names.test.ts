import { type JobStore, jobError } from "@rabbitloom/jobs";
import { describe, expect, test } from "vitest";
import { claimed, job, openStore, outcome, submitted } from "./support/job-store.ts";

test("file numbers never repeat, whoever asks, and the folder is looked at once", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  const jobId = await submitted(store);
  await claimed(store, jobId);
  let looks = 0;
  const ask = (from: JobStore) =>
    from.allocateNumbers({
      jobId,
      attempt: 1,
      type: "output",
      subfolder: "sub",
      prefix: "pic",
      count: 2,
      seed: () => {
        looks += 1;
        return Promise.resolve(40);
      },
    });
  await ask(store);

  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => ask(index % 2 ? store : other)),
  );

  const firsts = answers.map(({ first }) => first).toSorted((a, b) => a - b);
  expect(firsts).toEqual(Array.from({ length: 20 }, (_, index) => 43 + 2 * index));
  expect(looks).toBe(1);
});

test("the next attempt is told what files the last one may have left behind", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store);
  await claimed(store, jobId);
  const names = { type: "output", subfolder: "a b", prefix: "pic", count: 2 } as const;
  const seed = () => Promise.resolve(6);
  await store.allocateNumbers({ jobId, attempt: 1, ...names, seed });

  const claim = await store.claim({ message: job({ jobId }), workerId: "w" });

  expect(claim).toEqual({
    type: "claimed",
    attempt: 2,
    staleFiles: [{ ...names, first: 7, givenAt: expect.closeTo(Date.now(), -4) }],
  });
});

describe("what attempts may have written of a job", () => {
  const names = { type: "output", subfolder: "a b", prefix: 'say "pic"', count: 2 } as const;
  const now = expect.closeTo(Date.now(), -5);

  /** Claimed for the first time, with two numbers given. */
  async function written(store: JobStore): Promise<string> {
    const jobId = await submitted(store, { tenant: "acme" });
    await store.claim({ message: job({ jobId, tenant: "acme" }), workerId: "w" });
    await store.allocateNumbers({ jobId, attempt: 1, ...names, seed: () => Promise.resolve(6) });
    expect(await store.leftovers()).toEqual([]);
    return jobId;
  }

  test.each<[string, (store: JobStore, jobId: string) => Promise<unknown>]>([
    [
      "is cancelled after its worker died",
      async (store, jobId) => {
        await store.cancel("every-tenant", jobId);
        const claim = await store.claim({ message: job({ jobId, tenant: "acme" }), workerId: "v" });
        expect(claim.type).toBe("cancelled");
      },
    ],
    [
      "is cancelled between two attempts",
      async (store, jobId) => {
        await store.release(jobId, 1, jobError("ENGINE_CRASHED", "gone"));
        await store.cancel("every-tenant", jobId);
      },
    ],
    ["is given up", (store, jobId) => store.bury(jobId, jobError("JOB_DEAD", "given up"))],
  ])("that %s is left over until it is forgotten", async (_, end) => {
    await using opened = await openStore();
    const { store } = opened;
    await end(store, await written(store));

    const leftovers = await store.leftovers();
    expect(leftovers).toEqual([{ tenant: "acme", ...names, first: 7, givenAt: now, endedAt: now }]);
    for (const leftover of leftovers) await store.forgetLeftover(leftover);
    expect(await store.leftovers()).toEqual([]);
  });

  test("that ends by its attempt is that attempt's own", async () => {
    await using opened = await openStore();
    const { store } = opened;
    await store.finish(await written(store), 1, outcome);

    expect(await store.leftovers()).toEqual([]);
  });
});
