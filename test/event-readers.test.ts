/** How many readers of event streams one key may have at a gateway, over both surfaces, and that nobody else is kept out. */
import { once } from "node:events";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type GuardedGateway, guardedGateway } from "./support/guarded-gateway.ts";

/** Readers of one job, and of one key. */
const [OF_JOB, OF_KEY] = [32, 128];

let gateway: GuardedGateway;
let url: string;
/** Requests that their clients left before they were looked at. */
let left = 0;
beforeAll(async () => {
  gateway = await guardedGateway();
  gateway.app.addHook("preHandler", async ({ headers }, { raw }) => {
    if (headers["x-leaves"] === undefined) return;
    if (!raw.destroyed) await once(raw, "close");
    left += 1;
  });
  url = await gateway.app.listen({ host: "127.0.0.1", port: 0 });
});
afterAll(() => gateway[Symbol.asyncDispose]());

type Key = Awaited<ReturnType<GuardedGateway["bearer"]>>;

function reader({ authorization }: Key, jobId: string, surface: "v1" | "v2") {
  const leaving = new AbortController();
  const answer = fetch(`${url}/api/${surface}/jobs/${jobId}/events`, {
    headers: { authorization },
    signal: leaving.signal,
  });
  return { answer, leave: () => leaving.abort() };
}

async function readers(key: Key, jobId: string, count: number) {
  const made = Array.from({ length: count }, (_, i) =>
    reader(key, jobId, i % 2 === 0 ? "v1" : "v2"),
  );
  for (const { answer } of made) expect((await answer).status).toBe(200);
  return made;
}

async function refusal(key: Key, jobId: string, surface: "v1" | "v2") {
  const answer = await reader(key, jobId, surface).answer;
  expect(answer.status).toBe(429);
  expect(Number(answer.headers.get("retry-after"))).toBeGreaterThan(0);
  return answer.text();
}

const newKey = () => gateway.bearer({ tenant: "acme", scopes: ["submit", "read-own"] });

test("one reader too many of a job is 429 until another leaves, and so is one too many of a key", async () => {
  const [greedy, modest] = [await newKey(), await newKey()];
  const jobs = await Promise.all([1, 2, 3, 4, 5].map(() => gateway.submit(greedy)));
  const [first = "", , , , last = ""] = jobs;
  const open = await readers(greedy, first, OF_JOB);
  for (const surface of ["v1", "v2"] as const) {
    expect(await refusal(modest, first, surface)).toContain(`at most ${OF_JOB} readers`);
  }
  open.shift()?.leave();
  await expect
    .poll(async () => {
      const { answer, leave } = reader(modest, first, "v2");
      const { status } = await answer;
      leave();
      return status;
    })
    .toBe(200);

  open.push(...(await readers(greedy, first, 1)));
  for (const jobId of jobs.slice(1, OF_KEY / OF_JOB)) {
    open.push(...(await readers(greedy, jobId, OF_JOB)));
  }
  expect(open).toHaveLength(OF_KEY);
  for (const surface of ["v1", "v2"] as const) {
    expect(await refusal(greedy, last, surface)).toContain(`at most ${OF_KEY} readers`);
  }
  const [other] = await readers(modest, last, 1);
  for (const each of [...open, other]) each?.leave();
});

test("a reader that leaves before it is answered leaves its place, too", async () => {
  const key = await newKey();
  const job = await gateway.submit(key);
  const { hostname, port } = new URL(url);
  left = 0;
  const head = `Host: ${hostname}\r\nAuthorization: ${key.authorization}\r\nX-Leaves: 1\r\n\r\n`;
  for (let i = 0; i < 2 * OF_JOB; i++) {
    const socket = connect(Number(port), hostname);
    socket.write(`GET /api/v1/jobs/${job}/events HTTP/1.1\r\n${head}`, () =>
      socket.resetAndDestroy(),
    );
    await once(socket, "close");
  }
  await expect.poll(() => left).toBe(2 * OF_JOB);
  await expect
    .poll(async () => {
      const all = Array.from({ length: OF_JOB }, () => reader(key, job, "v1"));
      const answers = await Promise.all(all.map(({ answer }) => answer));
      for (const { leave } of all) leave();
      return new Set(answers.map(({ status }) => status));
    })
    .toEqual(new Set([200]));
});
