import { expect, test } from "vitest";
import type { Letter } from "../src/amqp/ports.ts";
import { testGateway } from "./support/test-gateway.ts";

const letter = (given: Partial<Letter> = {}): Letter => ({
  body: Buffer.from(
    JSON.stringify({ prompt: { "1": { class_type: "A", inputs: {} } }, lane: "high" }),
  ),
  headers: {
    "x-death": [
      {
        reason: "rejected",
        time: { "!": "timestamp", value: 1_767_225_600 },
        "routing-keys": ["high.default"],
      },
    ],
  },
  messageId: "job-1",
  correlationId: undefined,
  replyTo: "answers",
  routingKey: "high.default",
  ...given,
});
const malformed = letter({
  body: Buffer.from("not a job"),
  headers: { "loom-reason": "INVALID_JSON: the body is not JSON" },
  messageId: undefined,
});

test("dead letters are listed, and shown by their own id or their job's", async () => {
  await using gateway = await testGateway();
  gateway.amqp.dead.push(letter(), malformed);

  const { letters } = (await gateway.app.inject("/api/v1/dead-letters")).json();
  expect(letters).toMatchObject([
    {
      jobId: "job-1",
      reason: "rejected",
      routingKey: "high.default",
      diedAt: "2026-01-01T00:00:00.000Z",
    },
    { reason: "malformed", detail: "INVALID_JSON: the body is not JSON", sizeBytes: 9 },
  ]);
  for (const id of ["job-1", letters[0].id]) {
    const shown = (await gateway.app.inject(`/api/v1/dead-letters/${id}`)).json();
    expect(shown).toMatchObject({ id: letters[0].id, body: letter().body.toString() });
  }
  expect((await gateway.app.inject("/api/v1/dead-letters/nobody")).statusCode).toBe(404);
  expect((await gateway.app.inject("/api/v1/dead-letters?limit=0")).statusCode).toBe(400);
});

test("a replayed letter is a new job for the same reader, and the letter is gone", async () => {
  await using gateway = await testGateway();
  gateway.amqp.dead.push(letter());

  const answer = await gateway.app.inject({
    method: "POST",
    url: "/api/v1/dead-letters/job-1/replay",
  });

  expect(answer.statusCode).toBe(202);
  const { jobId } = answer.json();
  expect(jobId).not.toBe("job-1");
  expect(gateway.amqp.jobs).toMatchObject([{ jobId, lane: "high", replyTo: "answers" }]);
  // Whoever publishes the job once more, or says its end, reads in its record who is to hear of it.
  expect(await gateway.store.find("every-tenant", jobId)).toMatchObject({
    state: "pending",
    reply: { to: "answers" },
  });
  expect(gateway.amqp.dead).toEqual([]);
});

test("a replayed letter of a service names no gateway where senders are told apart", async () => {
  await using gateway = await testGateway({ AMQP_TENANTS: "svc-acme=acme" });
  const body = { prompt: { "1": { class_type: "A", inputs: {} } }, gatewayId: "c_of-beta" };
  gateway.amqp.dead.push(letter({ body: Buffer.from(JSON.stringify(body)), userId: "svc-acme" }));

  const url = "/api/v1/dead-letters/job-1/replay";
  const { jobId } = (await gateway.app.inject({ method: "POST", url })).json();
  const record = await gateway.store.find("every-tenant", jobId);
  expect(record).toMatchObject({ tenant: "acme", state: "pending" });
  expect(record?.gatewayId).toBeUndefined();
});

test("what never was a job is not replayed but can be thrown away, and a refused replay keeps the letter", async () => {
  await using gateway = await testGateway();
  gateway.amqp.dead.push(malformed, letter());
  const { letters } = (await gateway.app.inject("/api/v1/dead-letters")).json();
  const call = (method: "POST" | "DELETE", path: string) =>
    gateway.app.inject({ method, url: `/api/v1/dead-letters/${path}` });

  expect((await call("POST", `${letters[0].id}/replay`)).statusCode).toBe(400);
  gateway.amqp.jobError = new Error("full");
  expect((await call("POST", "job-1/replay")).statusCode).toBe(500);
  expect(gateway.amqp.dead).toHaveLength(2);
  expect((await call("DELETE", letters[0].id)).statusCode).toBe(204);
  expect((await call("DELETE", letters[0].id)).statusCode).toBe(404);
  expect(gateway.amqp.dead).toHaveLength(1);
});
