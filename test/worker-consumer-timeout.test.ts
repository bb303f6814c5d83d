import { expect, test } from "vitest";
import { openPrivateBroker } from "./support/broker.ts";
import { openFleet } from "./support/fleet.ts";
import { steps, text } from "./support/toy-prompts.ts";

/** RabbitMQ looks once a minute whether an acknowledgement is late; a channel reads both when it is opened. */
const IMPATIENT =
  "application:set_env(rabbit, consumer_timeout, 1000), application:set_env(rabbit, channel_tick_interval, 300).";

test("a job that takes longer than the broker waits for acknowledgements is run once and ends once", async () => {
  await using broker = await openPrivateBroker();
  await broker.control(["eval", IMPATIENT]);
  await using fleet = await openFleet({ broker });
  const workers = [await fleet.spawnWorker(), await fleet.spawnWorker()];

  // The message comes back more often than a lane delivers one: it goes through the dead letters, too.
  const jobId = await fleet.submit(steps({ steps: 400, ms: 25 }));
  const end = await fleet.jobs.ended(jobId, 120_000);
  const next = await fleet.jobs.ended(await fleet.submit(text("next")), 60_000);

  const said = workers.flatMap(({ log }) => log.map(({ msg }) => msg));
  expect(said).toContain("its attempt is alive: the delivery is held");
  expect(end).toMatchObject({ state: "succeeded", attempt: 1 });
  expect(next).toMatchObject({ state: "succeeded" });
  const events = fleet.jobs.events(jobId);
  expect(events.filter(({ type }) => type === "job-start")).toHaveLength(1);
  expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({
    state: "succeeded",
    attempt: 1,
  });
}, 240_000);
