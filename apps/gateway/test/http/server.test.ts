import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { savePrompt } from "../support/instant-worker.ts";
import { testGateway } from "../support/test-gateway.ts";

test("a page of another origin may call where that is allowed, with the headers it needs", async () => {
  await using gateway = await testGateway({ CORS_ORIGIN: "https://app.example.org" });
  const answer = await gateway.app.inject({
    method: "OPTIONS",
    url: "/api/v1/prompts",
    headers: {
      host: "127.0.0.1:8188",
      origin: "https://app.example.org",
      "access-control-request-method": "POST",
      "access-control-request-headers": "prefer,idempotency-key",
    },
  });
  expect(answer.statusCode).toBe(204);
  expect(answer.headers["access-control-allow-origin"]).toBe("https://app.example.org");
  expect(answer.headers["access-control-allow-headers"]).toMatch(/Prefer, Idempotency-Key/);
});

test("readiness tells what is missing", async () => {
  await using gateway = await testGateway();
  const ready = () => gateway.app.inject("/readyz");
  expect((await ready()).json()).toMatchObject({
    broker: "ok",
    redis: "ok",
    catalog: "ok",
    workers: 0,
  });
  expect((await ready()).statusCode).toBe(503);
  gateway.store.workersNow = [
    {
      v: 1,
      workerId: "w",
      pid: 1,
      host: "h",
      version: "1",
      pool: "default",
      state: "idle",
      device: { name: "CPU", type: "cpu", totalMemoryBytes: 1, freeMemoryBytes: 1 },
      startedAt: "2026-01-01T00:00:00Z",
      heartbeatAt: "2026-01-01T00:00:00Z",
      catalogDigest: "one",
    },
  ];
  expect((await ready()).statusCode).toBe(200);
  gateway.amqp.state = "blocked";
  expect((await ready()).json()).toMatchObject({ status: "not ready", broker: "blocked" });
  gateway.amqp.state = "ready";
  gateway.store.isDown = true;
  expect((await ready()).statusCode).toBe(503);
  expect((await ready()).json()).toMatchObject({ status: "not ready", redis: "unavailable" });
  expect((await gateway.app.inject("/livez")).statusCode).toBe(200);
});

test("a fleet at zero is ready where that is meant", async () => {
  await using gateway = await testGateway({ READY_WITHOUT_WORKERS: "true" });
  expect((await gateway.app.inject("/readyz")).statusCode).toBe(200);
});

test("object_info is written once for each state of the fleet, compressed and tagged", async () => {
  await using gateway = await testGateway();
  const get = (headers: Record<string, string> = {}) =>
    gateway.app.inject({ url: "/object_info", headers });
  const plain = await get();
  expect(Object.keys(plain.json())).toContain("KSampler");
  expect(plain.body).toContain('"max": 18446744073709551615');
  const packed = await get({ "accept-encoding": "gzip, br" });
  expect(packed.headers["content-encoding"]).toBe("gzip");
  expect(gunzipSync(packed.rawPayload).toString()).toBe(plain.body);
  expect(
    (await get({ "accept-encoding": "gzip;q=0" })).headers["content-encoding"],
  ).toBeUndefined();
  const { etag } = plain.headers;
  expect((await get({ "if-none-match": String(etag) })).statusCode).toBe(304);
  await writeFile(join(gateway.folders.input, "new.png"), "");
  const after = await get({ "if-none-match": String(etag) });
  expect(after.json().LoadImage.input.required.image[0]).toEqual(["new.png"]);
});

test("a node that a worker brought a moment ago is no reason to refuse", async () => {
  await using gateway = await testGateway();
  const { catalogNow } = gateway.store;
  if (catalogNow === undefined) throw new Error("no catalog");
  const post = () =>
    gateway.app.inject({
      method: "POST",
      url: "/prompt",
      payload: {
        prompt: {
          "1": { class_type: "Fresh", inputs: savePrompt["1"].inputs },
          "2": savePrompt["2"],
        },
      },
    });
  expect((await post()).statusCode).toBe(400);
  const { EmptyImage } = catalogNow.nodes;
  if (EmptyImage === undefined) throw new Error("no EmptyImage");
  gateway.store.catalogNow = {
    ...catalogNow,
    nodes: { ...catalogNow.nodes, Fresh: EmptyImage },
    digest: "two",
  };
  expect((await post()).statusCode).toBe(200);
});

test("the console is served where it is built, and no path outside of it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "loom-console-"));
  await mkdir(join(folder, "dist", "assets"), { recursive: true });
  await writeFile(join(folder, "secret.txt"), "secret");
  await writeFile(join(folder, "dist", "index.html"), "<title>console</title>");
  await writeFile(join(folder, "dist", "assets", "a-1.js"), "1");
  await using gateway = await testGateway({ CONSOLE_DIR: join(folder, "dist") });
  const get = (url: string) => gateway.app.inject(url);
  expect((await get("/")).body).toBe("<title>console</title>");
  expect((await get("/assets/a-1.js")).headers["cache-control"]).toContain("immutable");
  for (const url of [
    "/../secret.txt",
    "/%2e%2e/secret.txt",
    "/assets/..%2f..%2fsecret.txt",
    "/manager/version",
  ]) {
    expect((await get(url)).statusCode).toBeGreaterThanOrEqual(400);
  }
  await rm(folder, { recursive: true });
});

test("addresses that cannot be read are 400, not failures", async () => {
  await using gateway = await testGateway();
  for (const url of ["/api/v1/jobs/%", "/view?filename=%", "/history/%E0%A4%A"]) {
    expect((await gateway.app.inject(url)).statusCode).toBeLessThan(500);
  }
});
