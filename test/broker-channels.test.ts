import { createReplyStream, readReplyStream } from "@rabbitloom/broker";
import { expect, test } from "vitest";
import { openFleet } from "./support/fleet.ts";

test("more operations at once than a connection has channels all get one in turn, and readers keep theirs", async () => {
  await using fleet = await openFleet();
  const { connection, names } = fleet;
  await createReplyStream(connection, names, "j");
  await fleet.publisher.publish({
    exchange: names.events.exchange,
    routingKey: names.events.key("gateway", "j"),
    body: Buffer.from("1"),
  });

  const operations = Array.from({ length: 3_000 }, () =>
    connection.withChannel((channel) => channel.checkExchange(names.events.exchange)),
  );
  const messages = readReplyStream(connection, names, { jobId: "j" });

  expect((await messages.next()).value?.body.toString()).toBe("1");
  expect(await Promise.all(operations)).toHaveLength(3_000);
  await messages.return();
});
