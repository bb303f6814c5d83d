import { createPublicKey } from "node:crypto";
import { watchTicketSchema } from "@rabbitloom/protocol";
import { jwtVerify } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { endJobs, savePrompt } from "../support/instant-worker.ts";
import { signingPublicKey, type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

async function submit(body: object = savePrompt): Promise<string> {
  const answer = await gateway.app.inject({
    method: "POST",
    url: "/api/v1/prompts?prefer=respond-async",
    payload: body,
  });
  return answer.json().prompt_id;
}

const watch = (id: string, headers: Record<string, string> = {}) =>
  gateway.app.inject({ method: "POST", url: `/api/v1/jobs/${id}/watch`, headers });

test("a ticket reads one stream for some minutes, and its address is the one the client used", async () => {
  const id = await submit();
  const answer = await watch(id, { host: "loom.test:1234" });
  const ticket = watchTicketSchema.parse(answer.json());
  expect(ticket).toMatchObject({
    url: "ws://loom.test:1234/stomp",
    host: "/",
    login: `job.${id}`,
    destination: `/amq/queue/test.reply.${id}`,
    headers: { ack: "client-individual", "prefetch-count": "100", "x-stream-offset": "first" },
    lastSeq: 0,
  });
  const { payload, protectedHeader } = await jwtVerify(
    ticket.passcode,
    createPublicKey(signingPublicKey),
    { audience: "rabbitmq", algorithms: ["RS256"] },
  );
  expect(protectedHeader).toMatchObject({ alg: "RS256", kid: "gw1" });
  expect(payload.scope).toBe(`rabbitmq.read:%2F/test.reply.${id}`);
  const { exp = 0, iat = 0 } = payload;
  expect(exp - iat).toBe(180);
  expect(ticket.expiresAt).toBe(new Date(exp * 1000).toISOString());
});

test("a public address makes a secure ticket's address", async () => {
  await using secure = await testGateway({
    PUBLIC_URL: "https://loom.example.org/",
    INSECURE_OPEN: "1",
  });
  const answer = await secure.app.inject({
    method: "POST",
    url: "/api/v1/prompts?prefer=respond-async",
    payload: savePrompt,
  });
  const { prompt_id } = answer.json();
  const ticket = await secure.app.inject({
    method: "POST",
    url: `/api/v1/jobs/${prompt_id}/watch`,
  });
  expect(ticket.json().url).toBe("wss://loom.example.org/stomp");
});

test("watching a running job asks its worker to say where it is, once", async () => {
  const id = await submit();
  gateway.store.start(id);
  await Promise.all([watch(id), watch(id)]);
  expect(gateway.amqp.controls).toEqual([{ v: 1, type: "job-snapshot", jobId: id }]);
});

test("a job that nobody watches has no stream, one watched from the start has it before it is published", async () => {
  endJobs(gateway);
  await submit();
  expect(gateway.amqp.streamed.size).toBe(0);
  const id = await submit({ prompt: savePrompt, watch: true });
  const events = gateway.amqp.streamed.get(id) ?? [];
  await expect.poll(() => events.map(({ type }) => type)).toEqual(["job-start", "job-end"]);
  expect(await gateway.store.streams()).toEqual([id]);
});

test("a ticket for a job that never was is 404, whatever its id looks like", async () => {
  for (const id of ["nobody", "a*", "..%2F..", "%00"]) {
    expect((await watch(id)).statusCode).toBe(404);
  }
});
