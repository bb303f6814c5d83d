import { jobError, openJobStore } from "@rabbitloom/jobs";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { claimed, job, openStore, outcome, submitted, withdrawn } from "./support/job-store.ts";
import { openPrivateRedis, openRedis } from "./support/redis.ts";

test("an id that is taken cannot be submitted again", async () => {
  await using opened = await openStore();
  const jobId = await submitted(opened.store);

  await expect(submitted(opened.other, { jobId })).rejects.toMatchObject({ code: "CONFLICT" });
});

test("the id of a job that is forgotten may be used again by its tenant alone, who is told of the stream that it left", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  const message = job({ jobId: "order-17", tenant: "acme" });
  expect(await store.submit({ message })).toMatchObject({ hasOldStream: false });
  await store.noteStream("order-17");
  await store.cancel("every-tenant", "order-17");
  await store.forget({ tenant: "acme" }, ["order-17"]);

  const theirs = other.submit({ message: { ...message, tenant: "beta" } });

  await expect(theirs).rejects.toMatchObject({ code: "CONFLICT" });
  expect(await other.submit({ message })).toMatchObject({ hasOldStream: true });
});

test("the bytes of what waits are counted for each tenant, by whatever way a job comes and goes", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const submit = (jobId: string, tenant = "acme") => {
    const prompt = { "1": { class_type: "A", inputs: { text: "x".repeat(1_000) } } };
    return store.submit({ message: job({ jobId, tenant, prompt }), maxPendingBytes: 2_500 });
  };
  const refused = { code: "QUEUE_FULL", message: expect.stringContaining("2500 bytes") };
  const claim = (jobId: string) =>
    store.claim({ message: job({ jobId, tenant: "acme" }), workerId: "w" });
  await submit("a");
  await submit("b");
  await expect(submit("c")).rejects.toMatchObject(refused);
  await submit("c", "beta");

  await claim("a");
  await submit("d");
  await store.release("a", 1);
  await withdrawn(store, "d");
  await expect(submit("e")).rejects.toMatchObject(refused);
  await claim("a");
  const [running] = await store.attempts();
  if (running !== undefined) await store.takeBack(running);
  await expect(submit("e")).rejects.toMatchObject(refused);

  for (const jobId of ["a", "b"]) await store.cancel("every-tenant", jobId);
  await submit("e");
  await submit("f");
  await expect(submit("g")).rejects.toMatchObject(refused);
});

test("bytes that a worker of an earlier version did not take off are forgotten when nothing waits", async () => {
  await using opened = await openStore();
  const submit = (jobId: string) => {
    const prompt = { "1": { class_type: "A", inputs: { text: "x".repeat(1_000) } } };
    const message = job({ jobId, tenant: "acme", prompt });
    return opened.store.submit({ message, maxPendingBytes: 2_500 });
  };
  await submit("a");
  await submit("b");
  await using redis = await openRedis();
  const admin = new Redis(redis.redisUrl);
  for (const key of await admin.keys(`*${opened.prefix}*:pending:acme`)) await admin.del(key);
  await admin.quit();

  await submit("c");
  await submit("d");
  await expect(submit("e")).rejects.toMatchObject({ code: "QUEUE_FULL" });
});

test("only the newest attempt commits", async () => {
  await using opened = await openStore();
  const jobId = await submitted(opened.store);
  await claimed(opened.store, jobId, "first");
  await claimed(opened.other, jobId, "second");

  expect(await opened.store.finish(jobId, 1, outcome)).toBe(false);
  expect(await opened.store.reportProgress(jobId, 1, { lastSeq: 3 })).toMatchObject({
    isLive: false,
  });
  expect(await opened.other.finish(jobId, 2, outcome)).toBe(true);
  expect(await opened.store.view("every-tenant", jobId)).toMatchObject({
    attempt: 2,
    workerId: "second",
  });
});

test("an ending whose answer was lost can be asked for again and answers the same", async () => {
  await using opened = await openStore();
  const jobId = await submitted(opened.store);
  await claimed(opened.store, jobId);

  expect(await opened.store.finish(jobId, 1, outcome)).toBe(true);
  expect(await opened.store.finish(jobId, 1, outcome)).toBe(true);
  expect(await opened.store.history("every-tenant")).toHaveLength(1);
});

test("a second message of a running job is no new attempt; the same message again is", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  const jobId = await submitted(store);
  const message = job({ jobId });

  const first = { message, workerId: "a", isFirstDelivery: true };
  expect(await store.claim(first)).toMatchObject({ type: "claimed", attempt: 1 });
  const second = { message, workerId: "b", isFirstDelivery: true };
  expect(await other.claim(second)).toEqual({ type: "duplicate" });
  expect(await store.reportProgress(jobId, 1, { lastSeq: 1 })).toMatchObject({ isLive: true });

  // The answer to the claim was lost.
  expect(await store.claim(first)).toMatchObject({ type: "claimed", attempt: 2 });
  const redelivered = { message, workerId: "b", isFirstDelivery: false };
  expect(await other.claim(redelivered)).toMatchObject({ type: "claimed", attempt: 3 });
});

test("a terminal state never changes", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store);
  await store.cancel("every-tenant", jobId);

  expect(await store.claim({ message: job({ jobId }), workerId: "w" })).toMatchObject({
    type: "ended",
    state: "cancelled",
    record: { attempt: 1, lastSeq: 1, isAnnounced: false },
  });
  expect(await store.finish(jobId, 1, outcome)).toBe(false);
  await store.noteAnnounced(jobId, 1);
  expect(await store.cancel("every-tenant", jobId)).toMatchObject({
    found: "cancelled",
    wasRunning: false,
  });
  expect(await store.bury(jobId, { code: "JOB_DEAD", message: "", retryable: false })).toEqual({
    type: "ended",
  });
  expect(await store.view("every-tenant", jobId)).toMatchObject({ state: "cancelled" });
});

test("a cancellation whose answer was lost is answered again until the end has been said", async () => {
  await using opened = await openStore();
  const { store, other } = opened;
  const jobId = await submitted(store);
  const first = await store.cancel("every-tenant", jobId);

  expect(first).toMatchObject({ found: "pending", attempt: 1 });
  expect(await other.cancel("every-tenant", jobId)).toEqual(first);
  await other.noteAnnounced(jobId, 1);
  expect(await store.cancel("every-tenant", jobId)).toMatchObject({ found: "cancelled" });
});

test("of a cancellation and a claim that race, exactly one wins, and both know it", async () => {
  await using opened = await openStore();
  const { store, other } = opened;

  for (let round = 0; round < 50; round++) {
    const jobId = await submitted(store);
    const message = job({ jobId });
    const [cancellation, claim] = await Promise.all([
      store.cancel("every-tenant", jobId),
      other.claim({ message, workerId: "w" }),
    ]);
    if (cancellation.found === "pending") expect(claim.type).toBe("ended");
    else expect([cancellation.found, claim.type]).toEqual(["running", "claimed"]);
  }
});

test("a job that came over AMQP gets its record from the claim", async () => {
  await using opened = await openStore();
  const message = job({ jobId: "native", lane: "high", clientId: "c" });

  await opened.store.claim({ message, workerId: "w" });

  expect(await opened.store.find("every-tenant", "native")).toMatchObject({
    state: "running",
    lane: "high",
    clientId: "c",
    prompt: message.prompt,
  });
});

test("every digit of a prompt's numbers comes back from the store", async () => {
  await using opened = await openStore();
  const prompt = { "1": { class_type: "A", inputs: { seed: 18446744073709551615n, cfg: 7 } } };
  const jobId = await submitted(opened.store, { prompt });

  expect((await opened.store.find("every-tenant", jobId))?.prompt).toEqual(prompt);
});

test("a job that is handed back is pending again, and its old attempt is fenced", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store);
  await claimed(store, jobId);

  expect(await store.release(jobId, 1)).toEqual({ faults: 0 });
  expect(await store.release(jobId, 1)).toEqual({ faults: 0 });
  expect(await store.view("every-tenant", jobId)).toMatchObject({
    state: "pending",
    queuePosition: 0,
  });
  expect(await store.finish(jobId, 1, outcome)).toBe(false);
  expect(await claimed(store, jobId)).toBe(2);
  expect(await store.release(jobId, 1)).toBeUndefined();
});

test("a dead letter ends its job with the reason and the node of the last attempt", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store, { gatewayId: "g" });
  await claimed(store, jobId);
  const where = {
    node: {
      nodeId: "7",
      nodeType: "Boom",
      exceptionType: "Bang",
      traceback: [],
      inputs: { a: [1] },
    },
    executed: ["3"],
  };
  const last = { code: "ENGINE_CRASHED", message: "bang", retryable: true, ...where };
  await store.release(jobId, 1, last);

  const burial = await store.bury(jobId, {
    code: "JOB_DEAD",
    message: "Given up.",
    retryable: false,
  });

  const message = "Given up. The last attempt: ENGINE_CRASHED: bang";
  const error = { code: "JOB_DEAD", message, retryable: false, ...where };
  expect(burial).toEqual({ type: "buried", attempt: 2, gatewayId: "g", error });
  expect(await store.view("every-tenant", jobId)).toMatchObject({
    state: "dead",
    attempt: 2,
    error,
  });
});

test("a dead letter that nobody ever ran deserves another turn", async () => {
  await using opened = await openStore();
  const jobId = await submitted(opened.store);
  const error = { code: "JOB_DEAD", message: "", retryable: false };

  expect(await opened.store.bury(jobId, error)).toEqual({ type: "blameless" });
  await claimed(opened.store, jobId);
  await opened.store.release(jobId, 1);
  expect(await opened.store.bury(jobId, error)).toEqual({ type: "blameless" });
  expect(await opened.store.bury("nobody", error)).toEqual({ type: "unknown" });
});

test("a job that was delivered often is given up once as many of its attempts have failed", async () => {
  await using opened = await openStore();
  const { store } = opened;
  const jobId = await submitted(store);
  const dead = jobError("JOB_DEAD", "dead");
  const crashed = jobError("ENGINE_CRASHED", "crashed");

  for (const attempt of [1, 2]) {
    await claimed(store, jobId);
    await store.release(jobId, attempt, crashed);
    expect(await store.bury(jobId, dead, 4)).toEqual({ type: "blameless" });
  }
  // Its worker dies: the third failure; and so is the next one's the fourth.
  await claimed(store, jobId);
  expect(await store.bury(jobId, dead, 4)).toEqual({ type: "blameless" });
  await claimed(store, jobId);
  expect(await store.bury(jobId, dead, 4)).toMatchObject({ type: "buried", attempt: 5 });
});

test("a claim of an ended job whose record cannot be read just now fails: who has to say the end needs it", async () => {
  await using redis = await openPrivateRedis();
  const admin = new Redis(redis.redisUrl);
  await admin.call("ACL", "SETUSER", "worker", "on", ">secret", "~*", "&*", "+@all");
  const url = redis.redisUrl.replace("redis://", "redis://worker:secret@");
  await using store = await openJobStore({ url, prefix: redis.prefix });
  const jobId = await submitted(store);
  await claimed(store, jobId);
  await store.finish(jobId, 1, outcome);

  // What reading a record takes, and a claim does not.
  await admin.call("ACL", "SETUSER", "worker", "-zrank");
  const message = job({ jobId });
  await expect(store.claim({ message, workerId: "w" })).rejects.toThrow("can't run this command");
  await admin.call("ACL", "SETUSER", "worker", "+zrank");
  expect(await store.claim({ message, workerId: "w" })).toMatchObject({
    type: "ended",
    record: { isAnnounced: false },
  });
  await admin.quit();
});
