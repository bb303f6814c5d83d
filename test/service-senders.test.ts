/** What a service's user of the broker can make the fleet do in its own name: nothing that it could not do itself. */
import { connectBroker, openPublisher } from "@rabbitloom/broker";
import { deadLetterSchema, decodeEvents, type JobEvent } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import * as z from "zod";
import { brokerUser } from "./support/broker-user.ts";
import { job } from "./support/job-store.ts";
import { namesOf } from "./support/management.ts";
import { openService } from "./support/service.ts";
import { takingTurns } from "./support/tenants.ts";
import { text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

test("a service hears of its jobs on services' queues alone, and speaks for no job and no client but its own", async () => {
  const AMQP_TENANTS = "svc-acme=acme";
  await using service = await openService({
    workers: 1,
    gateway: { ...takingTurns, AMQP_TENANTS, MISSING_SECONDS: "3600" },
    worker: { AMQP_TENANTS },
  });
  const { fleet, broker } = service;
  const { prefix, names, store } = fleet;
  await until(
    "the tenant's queue is there",
    async () =>
      (await namesOf(broker.managementUrl, "queues", prefix)).includes(
        names.jobs.queue("normal", "default", "acme"),
      ),
    30_000,
  );
  await store.submit({ message: job({ jobId: "victim", tenant: "beta" }) });
  await store.submit({ message: job({ jobId: "own", tenant: "acme" }) });
  const name = "svc-acme";
  await using user = await brokerUser(broker.managementUrl, { name, prefix, tenant: "acme" });
  await using connection = await connectBroker({ url: user.urlOf(broker.amqpUrl), name });
  await using publisher = openPublisher(connection);
  const replies = names.service("replies");
  await connection.withChannel((channel) => channel.assertQueue(replies, { durable: true }));

  const send = (messageId: string, body: string, replyTo = replies) =>
    publisher.publish({
      exchange: names.jobs.exchange,
      routingKey: names.jobs.key("normal", "default", "acme"),
      body: Buffer.from(body),
      persistent: true,
      userId: name,
      messageId,
      replyTo,
    });
  const replyTo = async (what: string): Promise<JobEvent[]> => {
    let events: JobEvent[] | undefined;
    await until(`a reply to ${what}`, () =>
      connection.withChannel(async (channel) => {
        const message = await channel.get(replies, { noAck: true });
        if (message !== false) {
          const { properties, content } = message;
          events = decodeEvents({
            contentType: String(properties.contentType),
            type: String(properties.type),
            headers: { ...properties.headers },
            text: () => content.toString(),
            bytes: () => content,
          });
        }
        return events !== undefined;
      }),
    );
    return events ?? [];
  };

  for (const jobId of ["victim", "own"]) {
    await send(jobId, "{oops");
    const [end] = await replyTo(`a malformed message under the id of ${jobId}`);
    expect(end).toMatchObject({ type: "job-end", state: "failed" });
    expect(end?.jobId).not.toBe(jobId);
  }
  const prompt = text("to nobody's client");
  await send("forbidden", JSON.stringify({ prompt }), names.dead.queue);
  await send("misled", JSON.stringify({ prompt, gatewayId: "c_of-beta" }));
  expect(await fleet.jobs.ended("misled")).toMatchObject({ state: "succeeded" });

  expect((await store.find("every-tenant", "misled"))?.gatewayId).toBeUndefined();
  for (const jobId of ["victim", "own"]) {
    expect(await store.view("every-tenant", jobId)).toMatchObject({ state: "pending" });
    expect(fleet.jobs.events(jobId)).toEqual([]);
  }
  // Replayed it is the fleet's own message, which would be heard at any queue.
  const { secret } = await store.keys.create({ tenant: "staff", scopes: ["submit", "operate"] });
  const headers = { authorization: `Bearer ${secret}` };
  const url = `${service.url}/api/v1/dead-letters`;
  const { letters } = lettersSchema.parse(await (await fetch(url, { headers })).json());
  const letter = letters.find(({ detail = "" }) => detail.startsWith("FORBIDDEN"));
  expect(letter?.detail).toMatch(/reply_to: expected .*\.service\.\*, got ".*\.dead"$/);
  const replayed = await fetch(`${url}/${letter?.id}/replay`, { method: "POST", headers });
  const { jobId } = z.object({ jobId: z.string() }).parse(await replayed.json());
  expect(await fleet.jobs.ended(jobId)).toMatchObject({ state: "succeeded" });
  // Nor does the end that a gateway says go there.
  const reply = { to: names.dead.queue };
  await store.submit({ message: job({ jobId: "ended", tenant: "staff" }), reply });
  const cancel = `${service.url}/api/v1/jobs/ended/cancel`;
  expect((await fetch(cancel, { method: "POST", headers })).status).toBeLessThan(300);
  expect(await fleet.jobs.ended("ended")).toMatchObject({ state: "cancelled" });
  expect(await reasons(fleet)).toEqual([
    expect.stringMatching(/^INVALID_JSON/),
    expect.stringMatching(/^INVALID_JSON/),
  ]);
}, 300_000);

const lettersSchema = z.object({ letters: z.array(deadLetterSchema) });

/** Of all that is in the dead queue; undefined where a message was not put there as a dead letter. */
function reasons({ connection, names }: Awaited<ReturnType<typeof openService>>["fleet"]) {
  return connection.withChannel(async (channel) => {
    const found: unknown[] = [];
    for (;;) {
      const letter = await channel.get(names.dead.queue, { noAck: true });
      if (letter === false) return found;
      found.push(letter.properties.headers?.["loom-reason"]);
    }
  });
}
