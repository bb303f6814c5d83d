import { setTimeout as delay } from "node:timers/promises";
import { connect } from "amqplib";
import { expect, test } from "vitest";
import { openBroker, openPrivateBroker } from "./support/broker.ts";
import { namesOf } from "./support/management.ts";

test("queues of a test file are gone from the shared broker when the file is done", async () => {
  const broker = await openBroker();
  const connection = await connect(broker.amqpUrl, { noDelay: true });
  const channel = await connection.createChannel();
  const arguments_ = { "x-queue-type": "quorum" };
  await channel.assertQueue(broker.names.dead.queue, { arguments: arguments_ });
  await connection.close();
  expect(await namesOf(broker.managementUrl, "queues", broker.prefix)).toHaveLength(1);

  await broker[Symbol.asyncDispose]();

  expect(await namesOf(broker.managementUrl, "queues", broker.prefix)).toEqual([]);
});

/** RabbitMQ 3.10 cannot restart a quorum queue that was declared less than 2 to 3 s before a kill -9; more on a busy machine. */
const QUEUE_SETTLES_MS = 15_000;

test("a persistent message outlives a broker that is killed and started again", async () => {
  await using broker = await openPrivateBroker();
  const queue = broker.names.dead.queue;
  const quorum = { durable: true, arguments: { "x-queue-type": "quorum" } };
  const before = await connect(broker.amqpUrl, { noDelay: true });
  before.on("error", () => {});
  const publisher = await before.createConfirmChannel();
  publisher.on("error", () => {});
  await publisher.assertQueue(queue, quorum);
  publisher.sendToQueue(queue, Buffer.from("kept"), { persistent: true });
  await publisher.waitForConfirms();

  await delay(QUEUE_SETTLES_MS);
  await broker.crash();
  await broker.start();

  const after = await connect(broker.amqpUrl, { noDelay: true });
  const consumer = await after.createChannel();
  const message = await consumer.get(queue);
  expect(message === false ? undefined : message.content.toString()).toBe("kept");
  await after.close();
}, 120_000);
