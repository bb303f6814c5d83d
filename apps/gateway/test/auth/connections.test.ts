import { CodedError } from "@rabbitloom/protocol";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connections } from "../../src/auth/connections.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A store of keys whose word of a revocation never comes. */
function silentStore() {
  const dead = new Set<string>();
  const asked: string[] = [];
  let isAway = false;
  return {
    dead,
    asked,
    set isAway(value: boolean) {
      isAway = value;
    },
    async isLive(keyId: string) {
      asked.push(keyId);
      if (isAway) throw new CodedError("STORE_UNAVAILABLE", "Redis: away");
      return !dead.has(keyId);
    },
    onError: (error: unknown) => expect.unreachable(String(error)),
  };
}

test("what a key has opened is cut with it, and what other keys have opened stays", () => {
  using live = connections(silentStore());
  const [mine, other, nobodys] = [vi.fn(), vi.fn(), vi.fn()];
  live.add({ keyId: "k1", close: mine });
  live.add({ keyId: "k2", close: other });
  live.add({ keyId: undefined, close: nobodys });
  live.cutKey("k1");
  expect(mine).toHaveBeenCalledExactlyOnceWith("the key was revoked");
  expect([other.mock.calls, nobodys.mock.calls]).toEqual([[], []]);
});

test("a connection whose key was revoked while it was being made is closed at once", () => {
  using live = connections(silentStore());
  const close = vi.fn();
  live.cutKey("k1");
  live.add({ keyId: "k1", close });
  expect(close).toHaveBeenCalledOnce();
});

test("a revoked key is remembered no longer than a connection takes to be made", () => {
  using live = connections(silentStore());
  live.cutKey("k1");
  expect(vi.getTimerCount()).toBe(2);
  vi.advanceTimersByTime(60_000);
  expect(vi.getTimerCount()).toBe(1);
  const close = vi.fn();
  live.add({ keyId: "k1", close });
  expect(close).not.toHaveBeenCalled();
});

test("a connection that has ended by itself is not closed again", () => {
  using live = connections(silentStore());
  const close = vi.fn();
  live.add({ keyId: "k1", close })[Symbol.dispose]();
  live.cutKey("k1");
  expect(close).not.toHaveBeenCalled();
});

test("a connection is closed when its credentials expire, and not before", () => {
  let now = 0;
  using live = connections({ ...silentStore(), now: () => now });
  const close = vi.fn();
  live.add({ keyId: "k1", expiresAt: new Date(5_000), close });
  now = 4_999;
  vi.advanceTimersByTime(1_000);
  expect(close).not.toHaveBeenCalled();
  now = 5_000;
  vi.advanceTimersByTime(1_000);
  expect(close).toHaveBeenCalledExactlyOnceWith("the credentials have expired");
});

test("a key whose revocation nobody told of is cut within half a minute, each key asked about once", async () => {
  const store = silentStore();
  using live = connections(store);
  const [mine, alsoMine, other] = [vi.fn(), vi.fn(), vi.fn()];
  live.add({ keyId: "k1", close: mine });
  live.add({ keyId: "k1", close: alsoMine });
  live.add({ keyId: "k2", close: other });
  live.add({ keyId: "sub:someone", close: other });
  live.add({ keyId: undefined, close: other });
  store.dead.add("k1");
  await vi.advanceTimersByTimeAsync(29_000);
  expect(store.asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(store.asked).toEqual(["k1", "k2"]);
  for (const close of [mine, alsoMine]) {
    expect(close).toHaveBeenCalledExactlyOnceWith("the key was revoked");
  }
  expect(other).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(30_000);
  expect(store.asked).toEqual(["k1", "k2", "k2"]);
});

test("while the store is away nothing is cut, and a second after it is back revoked keys are", async () => {
  const store = silentStore();
  using live = connections(store);
  const close = vi.fn();
  live.add({ keyId: "k1", close });
  store.isAway = true;
  store.dead.add("k1");
  await vi.advanceTimersByTimeAsync(100_000);
  expect(close).not.toHaveBeenCalled();
  store.isAway = false;
  await vi.advanceTimersByTimeAsync(1_000);
  expect(close).toHaveBeenCalledOnce();
});

test("where words may have been missed all keys are asked about at once", async () => {
  const store = silentStore();
  using live = connections(store);
  const close = vi.fn();
  live.add({ keyId: "k1", close });
  store.dead.add("k1");
  live.doubt();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(close).toHaveBeenCalledOnce();
});
