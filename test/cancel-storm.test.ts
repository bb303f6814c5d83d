import { expect, test } from "vitest";
import { openService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";

const JOBS = 400;

test("hundreds of cancellations at once end each of these jobs once, and no other", async () => {
  await using service = await openService({ workers: 2 });
  const { fleet } = service;
  const running = await Promise.all(
    ["a", "b"].map((tag) => fleet.submit(steps({ steps: 20_000, ms: 5, tag }), { jobId: tag })),
  );
  for (const jobId of running)
    await fleet.jobs.event(jobId, "node-progress", { timeoutMs: 60_000 });
  const waiting = await Promise.all(
    Array.from({ length: JOBS }, (_, index) =>
      fleet.submit(text(`job ${index}`), { jobId: `w-${index}` }),
    ),
  );
  const kept = waiting.filter((_, index) => index % 10 === 0);
  const cancelled = [...waiting.filter((jobId) => !kept.includes(jobId)), ...running];

  const answers = await Promise.all(
    cancelled.map((jobId) =>
      fetch(`${service.url}/api/v1/jobs/${jobId}/cancel`, { method: "POST" }),
    ),
  );

  expect(answers.filter(({ ok }) => !ok)).toEqual([]);
  for (const [jobIds, state] of [
    [kept, "succeeded"],
    [cancelled, "cancelled"],
  ] as const) {
    for (const jobId of jobIds) {
      expect(await fleet.jobs.ended(jobId, 60_000)).toMatchObject({ state });
      const ends = fleet.jobs.events(jobId).filter(({ type }) => type === "job-end");
      expect(ends).toHaveLength(1);
      expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state });
    }
  }
}, 240_000);
