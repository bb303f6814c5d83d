/** What is withdrawn, and messages that outlive the record they were sent for. */
import type { JobStore } from "@rabbitloom/jobs";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { claimed, job, openStore, outcome, submitted, withdrawn } from "./support/job-store.ts";
import { openRedis } from "./support/redis.ts";

const DAY_MS = 86_400_000;
const first = job({ jobId: "x", submission: "first" });
const second = job({ jobId: "x", submission: "second" });
const service = job({ jobId: "x" });

/** What becomes of a message of it. */
async function claim(store: JobStore, message: typeof first): Promise<string> {
  return (await store.claim({ message, workerId: "w", isFirstDelivery: true })).type;
}

test("a withdrawn job is unknown, and a delivery that comes late is ignored", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store);

  expect(await withdrawn(store, jobId)).toBe(true);
  expect(await store.find("every-tenant", jobId)).toBeUndefined();
  expect(await store.claim({ message: job({ jobId }), workerId: "w" })).toEqual({ type: "ended" });
  await submitted(store, { jobId });
  await claimed(store, jobId);
  expect(await withdrawn(store, jobId)).toBe(false);
});

test("a job that somebody was told is taken is not withdrawn, whatever its own submission met", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store);

  await expect(submitted(store, { jobId })).rejects.toThrow("exists already");
  expect(await withdrawn(store, jobId)).toBe(false);
  await claimed(store, jobId);
});

test("what another tenant asks for holds nobody's job", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store);

  await expect(submitted(store, { jobId, tenant: "other" })).rejects.toThrow("exists already");
  expect(await withdrawn(store, jobId)).toBe(true);
});

test("a message that came through after all is not run in the name of a later submission", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await store.submit({ message: first });
  expect(await store.withdraw(first, { mayArrive: true })).toBe(true);
  await store.submit({ message: second });

  expect(await store.claim({ message: first, workerId: "w" })).toEqual({ type: "ended" });
  expect(await store.view("every-tenant", "x")).toMatchObject({ state: "pending", attempt: 0 });
  expect(await claim(store, second)).toBe("claimed");
});

test("a gateway that slept meanwhile withdraws nobody else's submission", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  await store.submit({ message: first });
  await store.cancel("every-tenant", "x");
  await store.forget("every-tenant", ["x"]);
  await other.submit({ message: second });

  expect(await store.withdraw(first, { mayArrive: true })).toBe(true);
  expect(await claim(other, second)).toBe("claimed");
});

test("a service's job runs under the id of a gateway's that was withdrawn, a second message of its own does not", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await store.submit({ message: first });
  await store.withdraw(first, { mayArrive: true });

  expect(await claim(store, first)).toBe("ended");
  expect(await claim(store, service)).toBe("claimed");
  await store.finish("x", 1, outcome);
  await store.forget("every-tenant", ["x"]);
  expect(await claim(store, service)).toBe("ended");
});

test("no service's job takes the place of one that ran, or of another tenant's", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await store.submit({ message: first });
  await claim(store, first);
  await store.finish("x", 1, outcome);
  await store.forget("every-tenant", ["x"]);
  expect(await claim(store, service)).toBe("ended");

  const theirs = job({ jobId: "y", tenant: "acme", submission: "first" });
  await store.submit({ message: theirs });
  await store.withdraw(theirs, { mayArrive: true });
  expect(await claim(store, job({ jobId: "y" }))).toBe("ended");
});

test("of two submissions that were withdrawn neither message is run, whichever comes first", async () => {
  await using opened = await openStore();
  const { store, prefix } = opened;
  for (const message of [first, second]) {
    await store.submit({ message });
    await store.withdraw(message, { mayArrive: true });
  }

  for (const message of [first, second, first]) expect(await claim(store, message)).toBe("ended");
  expect(await rememberedMs(prefix, "x")).toBeGreaterThan(DAY_MS);
});

test("the message of a withdrawn submission is not run after a later one has run and been forgotten", async () => {
  await using opened = await openStore();
  const { store, prefix } = opened;
  await store.submit({ message: first });
  await store.withdraw(first, { mayArrive: true });
  await store.submit({ message: second });
  await claim(store, second);
  await store.finish("x", 1, outcome);
  await store.forget("every-tenant", ["x"]);

  expect(await claim(store, first)).toBe("ended");
  expect(await rememberedMs(prefix, "x")).toBeGreaterThan(DAY_MS);
});

test("a gateway's message that comes late does not run as a service's job", async () => {
  await using opened = await openStore();
  const { store } = opened;
  await store.submit({ message: first });
  await store.withdraw(first, { mayArrive: true });
  expect(await claim(store, service)).toBe("claimed");
  await store.release("x", 1);

  expect(await claim(store, first)).toBe("ended");
  expect(await claim(store, service)).toBe("claimed");
});

test("what was withdrawn while Redis had forgotten it is not run either", async () => {
  await using opened = await openStore();
  const { store } = opened;
  expect(await store.withdraw(first, { mayArrive: true })).toBe(true);
  expect(await claim(store, first)).toBe("ended");
});

test("a job that nobody has taken is remembered as long as its message may wait, then for a while", async () => {
  await using opened = await openStore();
  const { store, prefix } = opened;
  const remembered = (jobId: string) => rememberedMs(prefix, jobId);
  const cancelled = async (jobId: string) => {
    await store.submit({ message: job({ jobId, submission: "s" }) });
    await store.cancel("every-tenant", jobId);
  };
  const take = (jobId: string) => claim(store, job({ jobId, submission: "s" }));
  await cancelled("waits");
  await cancelled("met");
  await take("met");
  await store.submit({ message: job({ jobId: "ran" }) });
  await take("ran");
  await store.finish("ran", 1, outcome);
  await store.forget("every-tenant", ["waits", "met", "ran"]);

  expect(await remembered("waits")).toBeGreaterThan(DAY_MS);
  expect(await remembered("met")).toBeLessThan(DAY_MS);
  expect(await remembered("ran")).toBeLessThan(DAY_MS);
  expect(await take("waits")).toBe("ended");
  expect(await remembered("waits")).toBeLessThan(DAY_MS);
});

test("a message that RabbitMQ refused is remembered for less long than one that may arrive", async () => {
  await using opened = await openStore();
  const { store, prefix } = opened;
  const remembered = async (jobId: string, mayArrive: boolean) => {
    await store.submit({ message: job({ jobId }) });
    await store.withdraw(job({ jobId }), { mayArrive });
    return rememberedMs(prefix, jobId);
  };

  expect(await remembered("lost", true)).toBeGreaterThan(DAY_MS);
  expect(await remembered("refused", false)).toBeLessThan(DAY_MS);
});

/** For how long it is known what became of a job that has no record. */
async function rememberedMs(prefix: string, jobId: string): Promise<number> {
  await using shared = await openRedis();
  const redis = new Redis(shared.redisUrl);
  try {
    return await redis.pttl(`{${prefix}}:gone:${jobId}`);
  } finally {
    redis.disconnect();
  }
}
