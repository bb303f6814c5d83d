/** Whose turn it is: what the store says, by itself. */
import type { JobStore } from "@rabbitloom/jobs";
import { expect, test } from "vitest";
import { job, openStore } from "./support/job-store.ts";

const pool = "default";
const lane = "normal";

let count = 0;
const take = (store: JobStore, passedOver: readonly string[] = [""]) =>
  store.takeTurn({ pool, token: `turn-${++count}`, passedOver });

async function given(store: JobStore, passedOver?: readonly string[]) {
  const turn = await take(store, passedOver);
  if (turn === undefined || turn === "off") throw new Error(`no turn: ${turn}`);
  return turn;
}

async function openQueues(store: JobStore, tenants: readonly string[]): Promise<void> {
  for (const tenant of tenants) await store.noteTenantQueue({ pool, lane, tenant });
}

test("where no tenant has a queue of its own nobody takes turns", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 3 });
  const { store } = opened;
  expect(await take(store)).toBe("off");
});

test("the one whose last turn is the longest ago is next, the lanes among them", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 3 });
  const { store } = opened;
  await openQueues(store, ["a", "b"]);
  const order: string[] = [];
  for (let turn = 0; turn < 6; turn++) order.push((await given(store, [])).tenant);
  expect(new Set(order.slice(0, 3))).toEqual(new Set(["", "a", "b"]));
  expect(order.slice(3)).toEqual(order.slice(0, 3));
});

test("whoever leaves and comes back has its old turn, not the first", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 3 });
  const { store } = opened;
  await openQueues(store, ["a", "b", "c"]);
  const [first, second, third] = [await given(store), await given(store), await given(store)];
  // The last one's queue was empty after its turn.
  const again = await given(store, ["", first.tenant, second.tenant]);
  await store.returnTurn(again, [lane]);
  await openQueues(store, [third.tenant]);
  expect((await given(store)).tenant).toBe(first.tenant);
});

test("a turn that ended in no run is the same tenant's again", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 3 });
  const { store } = opened;
  await openQueues(store, ["a", "b"]);
  const cancelled = job({ jobId: "cancelled", tenant: "a" });
  await store.submit({ message: cancelled, inOwnQueue: true });
  await store.submit({ message: job({ jobId: "next", tenant: "a" }), inOwnQueue: true });
  await store.cancel("every-tenant", "cancelled");
  const turn = await given(store, ["", "b"]);
  expect((await store.claim({ message: cancelled, workerId: "w", turn })).type).toBe("ended");
  expect((await given(store)).tenant).toBe("a");
});

test("a tenant with a waiting job keeps its place although its queue looks empty", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 3 });
  const { store } = opened;
  await openQueues(store, ["a"]);
  await store.submit({ message: job({ jobId: "on-its-way", tenant: "a" }), inOwnQueue: true });
  await store.returnTurn(await given(store), [lane]);
  expect((await given(store)).tenant).toBe("a");
});

test("a tenant gets no more turns than jobs of it may run, turns under way included", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 3 });
  const { store } = opened;
  await openQueues(store, ["a"]);
  await store.setTurns({ maxRunning: 2 });
  const message = job({ jobId: "one", tenant: "a" });
  await store.submit({ message, inOwnQueue: true });
  const [first, second] = [await given(store), await given(store)];
  expect(await take(store)).toBeUndefined();
  await store.returnTurn(second, []);
  const claim = await store.claim({ message, workerId: "w", turn: first });
  if (claim.type !== "claimed") throw new Error(claim.type);
  await given(store);
  expect(await take(store)).toBeUndefined();
  await store.finish("one", claim.attempt, { state: "succeeded", outputs: {}, lastSeq: 1 });
  await given(store);
});

test("a job whose attempt has died does not count as running", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 0.05 });
  const { store } = opened;
  await openQueues(store, ["a"]);
  await store.setTurns({ maxRunning: 1 });
  const message = job({ jobId: "one", tenant: "a" });
  await store.submit({ message, inOwnQueue: true });
  await store.claim({ message, workerId: "dies", turn: await given(store) });
  await expect.poll(() => take(store), { timeout: 10_000 }).toMatchObject({ tenant: "a" });
});

test("only an idle queue is closed, and then jobs are told to go to the lane", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 3 });
  const { store } = opened;
  await openQueues(store, ["a"]);
  const place = { pool, lane, tenant: "a" } as const;
  expect(await store.closeTenantQueue(place, 60_000)).toBe(false);
  await store.submit({ message: job({ jobId: "waits", tenant: "a" }), inOwnQueue: true });
  expect(await store.closeTenantQueue(place, 0)).toBe(false);
  await store.cancel("every-tenant", "waits");
  expect(await store.closeTenantQueue(place, 0)).toBe(true);

  const submitted = await store.submit({
    message: job({ jobId: "late", tenant: "a" }),
    inOwnQueue: true,
  });
  expect(submitted.isQueueClosing).toBe(true);
  expect(await take(store)).toBeUndefined();
  await store.forgetTenantQueue(place);
  expect(await take(store)).toBe("off");
});

test("a job's position counts the jobs that turns put before it", async () => {
  await using opened = await openStore({ attemptTtlSeconds: 3 });
  const { store } = opened;
  await openQueues(store, ["a", "b"]);
  for (let index = 0; index < 20; index++) {
    const message = job({ jobId: `a-${index}`, tenant: "a" });
    await store.submit({ message, inOwnQueue: true });
  }
  for (let index = 0; index < 3; index++) {
    const message = job({ jobId: `b-${index}`, tenant: "b" });
    await store.submit({ message, inOwnQueue: true });
  }
  const position = async (id: string) => (await store.view("every-tenant", id))?.queuePosition;
  expect(await position("b-2")).toBe(4);
  expect(await position("a-2")).toBe(4);
  expect(await position("a-19")).toBe(22);
});
