/** Jobs that nobody looks after any more are found, and their ends are said. */
import { readReplyStream } from "@rabbitloom/broker";
import { jobError } from "@rabbitloom/jobs";
import {
  decodeEvents,
  type JobMessage,
  replyStreamArguments,
  stringifyJson,
} from "@rabbitloom/protocol";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { job } from "./support/job-store.ts";
import { openService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("a job without a message, without a worker or without time left is found by a gateway", async () => {
  await using service = await openService({ workers: 0, gateway: { MISSING_SECONDS: "1" } });
  const { fleet } = service;
  // Its gateway died before it could publish.
  const unpublished = job({ jobId: "unpublished", prompt: text("unpublished"), tags: ["kept"] });
  await fleet.store.submit({ message: unpublished });
  // Its worker died, and the broker has lost the message.
  const abandoned = job({ jobId: "abandoned", prompt: text("abandoned") });
  await fleet.store.submit({ message: abandoned });
  await fleet.store.claim({ message: abandoned, workerId: "gone" });
  const late = job({ jobId: "late", limits: { queueSeconds: 0.1 } });
  await fleet.store.submit({ message: late });

  const end = await fleet.jobs.ended("late", 40_000);
  await fleet.startWorker();

  expect(end).toMatchObject({ state: "failed", seq: 1, error: { code: "QUEUE_DEADLINE" } });
  expect(await fleet.jobs.ended("unpublished", 40_000)).toMatchObject({
    state: "succeeded",
    attempt: 1,
  });
  expect(await fleet.jobs.ended("abandoned", 40_000)).toMatchObject({
    state: "succeeded",
    attempt: 2,
  });
  expect(await fleet.store.view("every-tenant", "unpublished")).toMatchObject({ tags: ["kept"] });
  for (const jobId of ["unpublished", "abandoned", "late"]) {
    const ends = fleet.jobs.events(jobId).filter(({ type }) => type === "job-end");
    expect(ends).toHaveLength(1);
  }
}, 120_000);

test("ends whose teller died before it could say them are said by a gateway, once, though no worker is there", async () => {
  await using service = await openService({ workers: 0, gateway: { MISSING_SECONDS: "1" } });
  const { fleet } = service;
  const { store } = fleet;
  const submit = (jobId: string, given: Partial<JobMessage> = {}) =>
    store.submit({ message: job({ jobId, ...given }) });
  await submit("cancelled");
  await store.cancel("every-tenant", "cancelled");
  await submit("refused");
  await store.refuse({ tenant: "default" }, "refused", jobError("INVALID_JSON", "no JSON"));
  await submit("buried");
  await store.claim({ message: job({ jobId: "buried" }), workerId: "gone" });
  await store.release("buried", 1, jobError("ENGINE_CRASHED", "bang"));
  await store.bury("buried", jobError("JOB_DEAD", "given up"));

  const ends = [];
  for (const jobId of ["cancelled", "refused", "buried"]) {
    ends.push(await fleet.jobs.ended(jobId, 40_000));
  }

  expect(ends).toMatchObject([
    { state: "cancelled", attempt: 1, seq: 1, error: { code: "JOB_CANCELLED" } },
    { state: "failed", attempt: 1, seq: 1, error: { code: "INVALID_JSON" } },
    { state: "dead", attempt: 2, seq: 1, error: { code: "JOB_DEAD" } },
  ]);
  await until("they are noted", async () => (await store.unsaid()).length === 0);
  for (const { jobId } of ends) {
    expect(fleet.jobs.events(jobId)).toHaveLength(1);
    expect(await store.find("every-tenant", jobId)).toMatchObject({ isAnnounced: true });
  }
}, 120_000);

test("more waiting jobs than one look sees, all with lower numbers, hide no lost job", async () => {
  await using service = await openService({ gateway: { MISSING_SECONDS: "1" } });
  const { store } = service.fleet;
  await Promise.all(
    Array.from({ length: 2_500 }, (_, index) =>
      store.submit({ message: job({ jobId: `w-${index}`, pool: "nobody" }), number: -1 }),
    ),
  );
  await store.submit({ message: job({ jobId: "lost", tenant: "two", prompt: text("lost") }) });

  expect(await service.fleet.jobs.ended("lost", 40_000)).toMatchObject({ state: "succeeded" });
}, 120_000);

test("jobs that no worker can read end, and other tenants' lost jobs are published all the same", async () => {
  await using service = await openService({ gateway: { MISSING_SECONDS: "1" } });
  const { fleet, redis } = service;
  const deep = job({ jobId: "deep", tenant: "one", prompt: text("deep") });
  deep.extraData.deep = nested(300);
  await fleet.store.submit({ message: deep });
  await fleet.send(stringifyJson(deep), { messageId: "deep" });
  const broken = job({ jobId: "broken", tenant: "one", prompt: text("broken") });
  await fleet.store.submit({ message: broken });
  const admin = new Redis(redis.redisUrl);
  await admin.hset(`{${redis.prefix}}:job:broken`, "payload", '{"prompt": ');
  await admin.quit();
  const lost = job({ jobId: "lost", tenant: "two", prompt: text("lost") });
  await fleet.store.submit({ message: lost });

  const ends = [];
  for (const { jobId } of [deep, broken, lost]) ends.push(await fleet.jobs.ended(jobId, 40_000));

  expect(ends).toMatchObject([
    { state: "dead", error: { code: "JOB_DEAD", message: expect.stringMatching(/nests deeper$/) } },
    {
      state: "dead",
      error: {
        code: "JOB_DEAD",
        message: expect.stringMatching(/record of job broken cannot be read/),
      },
    },
    { state: "succeeded", attempt: 1 },
  ]);
  for (const { jobId } of [deep, broken]) {
    const said = fleet.jobs.events(jobId).filter(({ type }) => type === "job-end");
    expect(said).toHaveLength(1);
    expect(await fleet.store.view("every-tenant", jobId)).toMatchObject({ state: "dead" });
  }
}, 120_000);

test("a watched job whose gateway died while it made the stream is published with a whole one", async () => {
  await using service = await openService({ workers: 0, gateway: { MISSING_SECONDS: "1" } });
  const { fleet } = service;
  await fleet.store.submit({ message: job({ jobId: "watched", prompt: text("seen") }) });
  await fleet.store.noteStream("watched");
  // Declared, but nothing leads to it.
  await fleet.connection.withChannel((channel) =>
    channel.assertQueue(fleet.names.reply("watched"), {
      durable: true,
      arguments: replyStreamArguments,
    }),
  );
  await fleet.startWorker();

  const signal = AbortSignal.timeout(40_000);
  const types: string[] = [];
  const stream = readReplyStream(fleet.connection, fleet.names, { jobId: "watched", signal });
  for await (const { body, ...facts } of stream) {
    const read = { ...facts, text: () => body.toString("utf8"), bytes: () => body };
    types.push(...decodeEvents(read).map(({ type }) => type));
    if (types.at(-1) === "job-end") break;
  }
  expect([types.at(0), types.at(-1)]).toEqual(["job-start", "job-end"]);
}, 120_000);

test("a lost job is found although its lane is never empty", async () => {
  await using service = await openService({ gateway: { MISSING_SECONDS: "1" } });
  const { store, jobs } = service.fleet;
  await store.submit({ message: job({ jobId: "lost", prompt: text("lost") }) });

  const isFound = () => jobs.events("lost").some(({ type }) => type === "job-end");
  const keepBusy = async () => {
    while (!isFound()) {
      const { id } = await service.client.submit(steps({ steps: 2, ms: 50 }), { watch: false });
      await jobs.ended(id, 60_000);
    }
  };
  const queueAtStart = async () => {
    await jobs.event("lost", "job-start", { timeoutMs: 60_000 });
    return store.queueSize();
  };
  const [size] = await Promise.all([queueAtStart(), ...Array.from({ length: 10 }, keepBusy)]);

  expect(size).toBeGreaterThan(5);
  expect(await jobs.ended("lost")).toMatchObject({ state: "succeeded", attempt: 1 });
}, 120_000);

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}
