import { CodedError } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { type OutgoingMessage, openOutbox } from "../src/outbox.ts";

function message(text: string, messageId?: string): OutgoingMessage {
  const body = Buffer.from(text);
  return { exchange: "e", routingKey: "k", body, ...(messageId !== undefined && { messageId }) };
}

test("unconfirmed messages stay in the order in which they came", () => {
  const outbox = openOutbox({ maxBytes: 10_000 });
  const [first, second, third] = ["1", "2", "3"].map((text) => outbox.add(message(text)));
  if (second !== undefined) outbox.settle(second);

  expect(outbox.unconfirmed()).toEqual([first, third]);
});

test("a sender is told once, with the first outcome", () => {
  const outbox = openOutbox({ maxBytes: 10_000 });
  const told: (CodedError | undefined)[] = [];
  const entry = outbox.add(message("1"), { onSettled: (error) => told.push(error) });
  const late = new CodedError("BROKER_UNAVAILABLE", "late");

  outbox.settle(entry, late);
  outbox.settle(entry);

  expect(told).toEqual([late]);
});

test("more than the limit is refused until something is confirmed", () => {
  const outbox = openOutbox({ maxBytes: 1_000 });
  const entry = outbox.add(message("x".repeat(700)));

  expect(() => outbox.add(message("y"))).toThrow(/not confirmed 1 messages \(956 bytes\)/);
  outbox.add(message("vital"), { isLimited: false });
  outbox.settle(entry);
  outbox.add(message("y"));
  expect(outbox.unconfirmed()).toHaveLength(2);
});

test("one message over the limit is taken where nothing else waits, and none that is larger than the broker takes", () => {
  const outbox = openOutbox({ maxBytes: 1_000 });
  outbox.add(message("x".repeat(2_000)));
  const body = Buffer.alloc(128 * 2 ** 20 + 1);

  expect(() => outbox.add(message("y"))).toThrow(/not confirmed 1 messages/);
  for (const isLimited of [true, false]) {
    expect(() => outbox.add({ ...message(""), body }, { isLimited })).toThrow(
      expect.objectContaining({
        code: "PAYLOAD_TOO_LARGE",
        message:
          'a message of 134217729 bytes for "k" of exchange "e": RabbitMQ takes at most 134217728',
      }),
    );
  }
  expect(outbox.unconfirmed()).toHaveLength(1);
});

test("a drain waits for what was there when it was asked for, not for what came later", async () => {
  const outbox = openOutbox({ maxBytes: 10_000 });
  const first = outbox.add(message("1"));
  const drained = outbox.drained();
  outbox.add(message("2"));

  outbox.settle(first);

  await drained;
  expect(outbox.unconfirmed()).toHaveLength(1);
});

test("a returned message is found by its id, as long as it is unconfirmed", () => {
  const outbox = openOutbox({ maxBytes: 10_000 });
  const entry = outbox.add(message("1", "m"));

  expect(outbox.byMessageId("m")).toBe(entry);
  outbox.settle(entry);
  expect(outbox.byMessageId("m")).toBeUndefined();
});
