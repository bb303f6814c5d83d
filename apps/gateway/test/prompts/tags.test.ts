import { decodeJob } from "@rabbitloom/protocol";
import { afterEach, beforeEach, expect, test } from "vitest";
import { savePrompt } from "../support/instant-worker.ts";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

function submit(tags: unknown, prompt_id?: string) {
  return gateway.app.inject({
    method: "POST",
    url: "/api/v1/prompts",
    headers: { prefer: "respond-async" },
    payload: JSON.stringify({ prompt: savePrompt, prompt_id, tags }),
  });
}

async function idsOf(query: string): Promise<string[]> {
  const answer = await gateway.app.inject(`/api/v1/jobs?${query}`);
  return answer.json<{ jobs: { id: string }[] }>().jobs.map(({ id }) => id);
}

test("a job shows the tags it came with, and its message carries them to the worker", async () => {
  await submit(["shop", "order 17"], "a");
  const job = (await gateway.app.inject("/api/v1/jobs/a")).json();
  expect(job).toMatchObject({ tags: ["shop", "order 17"] });
  const text = gateway.amqp.jobs[0]?.body ?? "";
  expect(decodeJob({ text }).tags).toEqual(["shop", "order 17"]);
});

test("the list is narrowed by one tag or by several, repeated or by commas", async () => {
  await submit(["shop", "order 17"], "a");
  await submit(["shop"], "b");
  await submit(undefined, "c");
  expect(await idsOf("tag=shop")).toEqual(["b", "a"]);
  expect(await idsOf("tag=shop&tag=order%2017")).toEqual(["a"]);
  expect(await idsOf("tag=shop,order%2017&state=pending")).toEqual(["a"]);
  expect(await idsOf("tag=nobody")).toEqual([]);
});

test.each([
  ["no list", "shop"],
  ["an empty one", [""]],
  ["one of 65 characters", ["x".repeat(65)]],
  ["one with a comma", ["a,b"]],
  ["one with a line break", ["a\nb"]],
  ["seventeen", Array.from({ length: 17 }, (_, index) => `t${index}`)],
])("tags are refused: %s", async (_, tags) => {
  const answer = await submit(tags);
  expect(answer.statusCode).toBe(400);
  expect(answer.json()).toMatchObject({ code: "INVALID_REQUEST" });
  expect(gateway.amqp.jobs).toEqual([]);
});

test("a list is not narrowed by a tag that no job can have", async () => {
  const answer = await gateway.app.inject("/api/v1/jobs?tag=");
  expect(answer.statusCode).toBe(400);
});
