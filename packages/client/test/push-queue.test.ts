import { afterEach, expect, test, vi } from "vitest";
import { pushQueue } from "../src/push-queue.ts";

afterEach(() => vi.useRealTimers());

test("what was pushed before the end is still given, in order", async () => {
  const queue = pushQueue<number>();
  queue.push(1);
  queue.push(2);
  queue.end();
  queue.push(3);
  expect(await queue.take()).toEqual({ item: 1 });
  expect(await queue.take()).toEqual({ item: 2 });
  expect(await queue.take()).toBe("ended");
});

test("a taker that waits is woken by an item, by the end and by an error", async () => {
  const queue = pushQueue<string>();
  const first = queue.take();
  queue.push("a");
  expect(await first).toEqual({ item: "a" });
  const second = queue.take();
  queue.fail(new Error("broken"));
  await expect(second).rejects.toThrow("broken");
});

test("a taker hears that nothing came for a while, and leaves no timer behind", async () => {
  vi.useFakeTimers();
  const queue = pushQueue<string>();
  const quiet = queue.take({ quietMs: 500 });
  await vi.advanceTimersByTimeAsync(500);
  expect(await quiet).toBe("quiet");
  const next = queue.take({ quietMs: 500 });
  queue.push("late");
  expect(await next).toEqual({ item: "late" });
  expect(vi.getTimerCount()).toBe(0);
});

test("a signal ends the wait with its reason", async () => {
  const abort = new AbortController();
  const taken = pushQueue<string>().take({ signal: abort.signal });
  abort.abort(new Error("no more"));
  await expect(taken).rejects.toThrow("no more");
});
