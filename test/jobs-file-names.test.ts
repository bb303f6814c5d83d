import type { JobStore } from "@rabbitloom/jobs";
import { expect, test } from "vitest";
import { claimed, job, openStore, submitted } from "./support/job-store.ts";

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

  expect(claim).toEqual({ type: "claimed", attempt: 2, staleFiles: [{ ...names, first: 7 }] });
});
