import { setTimeout as delay } from "node:timers/promises";
import { ACK, connectBroker, consume, isUnsent, openPublisher } from "@rabbitloom/broker";
import { expect, test } from "vitest";
import { openBroker, openPrivateBroker } from "./support/broker.ts";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openFleet } from "./support/fleet.ts";
import { until } from "./support/until.ts";

const persistent = { persistent: true, mandatory: true };

test("a message that no queue takes is refused with NO_WORKER", async () => {
  await using fleet = await openFleet();
  const message = { exchange: "", routingKey: "nowhere", body: Buffer.from("x"), messageId: "m-1" };

  const publishing = fleet.publisher.publish({ ...message, ...persistent });

  await expect(publishing).rejects.toMatchObject({ code: "NO_WORKER" });
});

test("a lane that is full refuses with QUEUE_FULL, and what it took before stays", async () => {
  await using fleet = await openFleet({ queueLimits: { maxLength: 3 } });
  const send = (index: number) =>
    fleet.publisher.publish({
      exchange: fleet.names.jobs.exchange,
      routingKey: "normal.default",
      body: Buffer.from(`job ${index}`),
      messageId: `m-${index}`,
      ...persistent,
    });

  const refusals: unknown[] = [];
  for (let index = 0; index < 12; index++) await send(index).catch((error) => refusals.push(error));

  // The broker's limit is a soft one: a message or two more may get in.
  expect(refusals.length).toBeGreaterThan(6);
  for (const error of refusals) expect(error).toMatchObject({ code: "QUEUE_FULL" });
  const { messageCount } = await fleet.connection.withChannel((channel) =>
    channel.checkQueue(fleet.names.jobs.queue("normal", "default")),
  );
  expect(messageCount).toBe(12 - refusals.length);
});

test("a policy of the broker bounds the bytes of a lane that is there already, and over it jobs are refused", async () => {
  await using broker = await openPrivateBroker();
  await using fleet = await openFleet({ broker });
  const pattern = `^${fleet.prefix}\\.jobs\\.[^.]+\\.(high|normal|low)(\\.|$)`;
  const policy = JSON.stringify({ "max-length-bytes": 100_000 });
  await broker.control(["set_policy", "job-bytes", pattern, policy, "--apply-to", "queues"]);
  const send = (index: number) =>
    fleet.publisher.publish({
      exchange: fleet.names.jobs.exchange,
      routingKey: "normal.default",
      body: Buffer.alloc(10_000),
      messageId: `m-${index}`,
      ...persistent,
    });

  const refusals: unknown[] = [];
  for (let index = 0; index < 30; index++) await send(index).catch((error) => refusals.push(error));

  expect(refusals.length).toBeGreaterThan(10);
  expect(refusals.length).toBeLessThan(25);
  for (const error of refusals) expect(error).toMatchObject({ code: "QUEUE_FULL" });
}, 60_000);

test("a publisher whose outbox is full refuses at once instead of growing", async () => {
  await using fleet = await openFleet();
  await using publisher = openPublisher(fleet.connection, { maxBytes: 10_000 });
  const message = { exchange: fleet.names.events.exchange, routingKey: "-.x" };

  const post = () => publisher.post({ ...message, body: Buffer.alloc(4_000) });

  post();
  post();
  expect(post).toThrow(expect.objectContaining({ code: "BROKER_UNAVAILABLE" }));
  await publisher.flush();
  expect(publisher.unconfirmedBytes).toBe(0);
  post();
});

test("a message larger than the broker takes is refused alone, and those beside it go out", async () => {
  await using broker = await openPrivateBroker();
  await broker.control(["eval", "application:set_env(rabbit, max_message_size, 100000)."]);
  await using fleet = await openFleet({ broker });
  const queue = fleet.names.service("reader");
  await fleet.connection.withChannel((channel) =>
    channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } }),
  );
  const send = (sizeBytes: number) =>
    fleet.publisher.publish({
      exchange: "",
      routingKey: queue,
      body: Buffer.alloc(sizeBytes),
      messageId: `m-${sizeBytes}`,
      ...persistent,
    });

  const sent = await Promise.allSettled([1, 200_000, 100_000, 2].map(send));

  expect(sent.map(({ status }) => status)).toEqual([
    "fulfilled",
    "rejected",
    "fulfilled",
    "fulfilled",
  ]);
  expect(sent[1]).toMatchObject({
    reason: {
      code: "PAYLOAD_TOO_LARGE",
      message: expect.stringMatching(/200000 bytes .* at most 100000$/),
    },
  });
}, 60_000);

test("messages of the time without a broker are sent, in order, when it is back", async () => {
  await using broker = await openPrivateBroker();
  await using fleet = await openFleet({ broker });
  const queue = fleet.names.service("reader");
  await fleet.connection.withChannel((channel) =>
    channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } }),
  );
  const send = (text: string) =>
    fleet.publisher.publish(
      { exchange: "", routingKey: queue, body: Buffer.from(text), messageId: text, ...persistent },
      { deadlineMs: 60_000 },
    );

  await send("1");
  await broker.stop();
  await expect.poll(() => fleet.connection.state).toBe("connecting");
  const impatient = fleet.publisher.publish(
    { exchange: "", routingKey: queue, body: Buffer.from("lost?") },
    { deadlineMs: 50 },
  );
  const refused = await impatient.catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "BROKER_UNAVAILABLE" });
  expect(isUnsent(refused)).toBe(true);
  const later = [send("2"), send("3"), send("4")];
  await broker.start();
  await Promise.all(later);

  // The connection that reads may come back after the one that publishes.
  await fleet.connection.ready({ timeoutMs: 60_000 });
  const texts = await fleet.connection.withChannel(async (channel) => {
    const read: string[] = [];
    for (;;) {
      const message = await channel.get(queue, { noAck: true });
      if (message === false) return read;
      read.push(message.content.toString());
    }
  });
  expect(texts).toEqual(["1", "2", "3", "4"]);
}, 120_000);

test("while the broker's memory alarm is on, publishing is refused at once, and works again after it", async () => {
  await using broker = await openPrivateBroker();
  await using fleet = await openFleet({ broker });
  const queue = fleet.names.service("reader");
  await fleet.connection.withChannel((channel) => channel.assertQueue(queue, { durable: true }));
  const send = () =>
    fleet.publisher.publish({ exchange: "", routingKey: queue, body: Buffer.from("x") });

  await broker.control(["set_vm_memory_high_watermark", "0.0000001"]);
  // The broker says so when the connection next publishes: that message may come through once it has room.
  const unconfirmed = await send().catch((error: unknown) => error);
  await expect.poll(() => fleet.connection.state, { timeout: 10_000 }).toBe("blocked");
  const began = performance.now();
  const refused = await send().catch((error: unknown) => error);
  const tookMs = performance.now() - began;
  expect(refused).toMatchObject({ code: "BROKER_UNAVAILABLE" });
  expect([isUnsent(unconfirmed), isUnsent(refused)]).toEqual([false, true]);
  await broker.control(["set_vm_memory_high_watermark", "0.4"]);
  await expect.poll(() => fleet.connection.state, { timeout: 10_000 }).toBe("ready");

  expect(tookMs).toBeLessThan(2_000);
  await send();
}, 120_000);

test("what the broker could not keep is sent again in order, where no queue is ever full", async () => {
  await using fleet = await openFleet();
  const { exchange } = fleet.names.events;
  const queue = fleet.names.service("reader");
  await fleet.connection.withChannel(async (channel) => {
    const limit = { "x-queue-type": "classic", "x-max-length": 3, "x-overflow": "reject-publish" };
    await channel.assertQueue(queue, { durable: true, arguments: limit });
    await channel.bindQueue(queue, exchange, "-.x");
  });
  const post = (text: string) =>
    fleet.publisher.post(
      { exchange, routingKey: "-.x", body: Buffer.from(text) },
      { nack: "trouble" },
    );

  for (const text of ["1", "2", "3"]) post(text);
  await fleet.publisher.flush();
  for (const text of ["4", "5", "6"]) post(text);
  const texts: string[] = [];
  await using _reader = await consume(fleet.connection, {
    queue,
    prefetch: 1,
    async handle({ body }) {
      texts.push(body.toString());
      return ACK;
    },
  });
  await fleet.publisher.flush();

  // Repetitions are the reader's to drop.
  await expect
    .poll(() => [...new Set(texts)], { timeout: 20_000 })
    .toEqual(["1", "2", "3", "4", "5", "6"]);
});

test("a broker that was away is given time to have its streams back", async () => {
  await using broker = await openBroker();
  await using proxy = await openCutProxy(broker.amqpUrl);
  await using connection = await connectBroker({ url: proxy.url, name: "test" });
  await using publisher = openPublisher(connection);
  const queue = broker.names.service("reader");
  await connection.withChannel((channel) =>
    channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } }),
  );
  proxy.close();
  proxy.cut();
  await until("it is away", async () => connection.state === "connecting");
  await delay(1_000);

  const openedAt = performance.now();
  proxy.open();
  await publisher.publish(
    { exchange: "", routingKey: queue, body: Buffer.from("x"), ...persistent },
    { deadlineMs: 60_000 },
  );

  expect(performance.now() - openedAt).toBeGreaterThan(1_500);
}, 120_000);
