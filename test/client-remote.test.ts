/** RemoteClient against a fleet, and what its retries are worth when connections and gateways die. */
import { RemoteClient } from "@rabbitloom/client";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { WebSocket } from "ws";
import { openCutProxy } from "./support/cut-proxy.ts";
import { openService, painting, type TestService } from "./support/service.ts";
import { text } from "./support/toy-prompts.ts";

let service: TestService;
beforeAll(async () => {
  service = await openService();
}, 180_000);
afterAll(() => service[Symbol.asyncDispose]());

const remoteOf = (serverAddress: string) => new RemoteClient({ serverAddress, WebSocket });

test("one call is one finished picture", async () => {
  const png = await remoteOf(service.url).queuePrompt(painting({ steps: 1, ms: 1 }));
  expect(await sharp(png).metadata()).toMatchObject({ format: "png", width: 64, height: 40 });
});

test("a connection that is cut in the middle costs no second job", async () => {
  await using proxy = await openCutProxy(service.url);
  const queued = remoteOf(proxy.url).queuePrompt(painting({ steps: 10, ms: 50 }), {
    idempotencyKey: "cut-once",
  });
  await service.fleet.jobs.event("cut-once", "node-progress");
  proxy.cut();
  expect((await queued).byteLength).toBeGreaterThan(50);
  const { attempt, state } = await remoteOf(service.url).status("cut-once");
  expect([attempt, state]).toEqual([1, "succeeded"]);
  const { jobs } = await (await fetch(`${service.url}/api/v1/jobs`)).json();
  const started = jobs.filter(({ id }: { id: string }) => id === "cut-once");
  expect(started).toHaveLength(1);
});

test("a prompt is followed to its end, a picture uploaded, and a failure thrown as what it is", async () => {
  const remote = remoteOf(service.url);
  const job = await remote.queueWithProgress(text("followed"));
  const types: string[] = [];
  for await (const { type } of job.progress()) types.push(type);
  expect([types[0], types.at(-1)]).toEqual(["job-start", "job-end"]);
  expect(await job.get()).toMatchObject({ outputs: { "1": { text: ["followed"] } } });
  const picture = await sharp({
    create: { width: 8, height: 8, channels: 3, background: "red" },
  })
    .png()
    .toBuffer();
  const { value } = await remote.upload(new File([new Uint8Array(picture)], "red.png"));
  expect(value).toBe("red.png");
  const failing = { "1": { class_type: "ToyFail", inputs: { message: "boom" } } };
  await expect(remote.queuePromptApi(failing)).rejects.toMatchObject({ code: "NODE_FAILED" });
  await expect(
    remote.queuePrompt({ "1": { class_type: "None", inputs: {} } }),
  ).rejects.toMatchObject({ details: { status: 400 } });
});
