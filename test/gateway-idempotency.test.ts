/** One key names one job at most: at several gateways, over AMQP, and when a gateway dies. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { openService, type TestService } from "./support/service.ts";
import { steps, text } from "./support/toy-prompts.ts";
import { until } from "./support/until.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService();
}, 180_000);
afterAll(() => service[Symbol.asyncDispose]());

function post(url: string, key: string, body: object, headers: Record<string, string> = {}) {
  return fetch(`${url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key, ...headers },
    body: JSON.stringify(body),
  });
}

/** Asks until the first request has its answer, as a client does that is told 409. */
async function retried(url: string, key: string, body: object): Promise<Response> {
  let answer = await post(url, key, body);
  await until("the first request is answered", async () => {
    if (answer.status === 409) answer = await post(url, key, body);
    return answer.status !== 409;
  });
  return answer;
}

test("many requests at once at two gateways are one job with one answer", async () => {
  const other = await service.startGateway();
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) =>
      retried(index % 2 ? service.url : other.url, "at-once", text("once")),
    ),
  );
  const bodies = new Set(await Promise.all(answers.map((answer) => answer.text())));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect([...bodies].map((body) => JSON.parse(body).prompt_id)).toEqual(["at-once"]);
  const fresh = answers.filter(({ headers }) => !headers.has("idempotent-replayed"));
  expect(fresh).toHaveLength(1);
  expect((await service.fleet.store.find("every-tenant", "at-once"))?.attempt).toBe(1);
});

test("when a gateway is killed in the middle, the next request gets the same job's answer", async () => {
  const doomed = await service.startGateway();
  const body = steps({ steps: 20, ms: 50 });
  const cut = expect(post(doomed.url, "killed", body)).rejects.toThrow();
  await service.fleet.jobs.event("killed", "node-progress");
  await doomed.kill("SIGKILL");
  await cut;
  const answer = await retried(service.url, "killed", body);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("idempotent-replayed")).toBe("true");
  expect(await answer.json()).toMatchObject({ prompt_id: "killed" });
  expect((await service.fleet.store.find("every-tenant", "killed"))?.attempt).toBe(1);
});

test("a client that went away comes back to its job, though it waits in the queue", async () => {
  const before = post(service.url, "before", steps({ steps: 100, ms: 50 }));
  await service.fleet.jobs.event("before", "node-progress");
  const gone = new AbortController();
  const first = fetch(`${service.url}/api/v1/prompts`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": "behind" },
    body: JSON.stringify(text("behind")),
    signal: gone.signal,
  });
  await until(
    "it is queued",
    async () => (await service.fleet.store.find("every-tenant", "behind")) !== undefined,
  );
  gone.abort();
  await expect(first).rejects.toThrow();
  const answer = await retried(service.url, "behind", text("behind"));
  expect(await answer.json()).toMatchObject({ outputs: { "1": { text: ["behind"] } } });
  expect((await before).status).toBe(200);
});

test("a message with the same id over AMQP is the same job", async () => {
  const prompt = text("from a service");
  await service.fleet.send(JSON.stringify({ prompt }), { messageId: "by-message" });
  const answer = await retried(service.url, "by-message", prompt);
  expect(await answer.json()).toMatchObject({
    prompt_id: "by-message",
    outputs: { "1": { text: ["from a service"] } },
  });
  await service.fleet.send(JSON.stringify({ prompt }), { messageId: "by-message" });
  const after = await post(service.url, "after", text("after"));
  expect(after.status).toBe(200);
  const job = await service.fleet.store.find("every-tenant", "by-message");
  expect([job?.state, job?.attempt]).toEqual(["succeeded", 1]);
  expect((await post(service.url, "by-message", text("other"))).status).toBe(422);
});
