import { openJobStore } from "@rabbitloom/jobs";
import type { NodeCatalog, WorkerRegistration } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { openRedis } from "./support/redis.ts";

function worker(workerId: string, given: Partial<WorkerRegistration> = {}): WorkerRegistration {
  const at = new Date().toISOString();
  return {
    v: 1,
    workerId,
    pid: 1,
    host: "h",
    version: "1",
    pool: "default",
    state: "idle",
    device: { name: "cpu", type: "cpu", totalMemoryBytes: 1, freeMemoryBytes: 1 },
    startedAt: at,
    heartbeatAt: at,
    catalogDigest: "d1",
    ...given,
  };
}

function nodes(...names: readonly string[]): NodeCatalog {
  return Object.fromEntries(
    names.map((name) => [
      name,
      {
        info: {
          input: {},
          input_order: {},
          output: [],
          output_is_list: [],
          output_name: [],
          name,
          display_name: name,
          description: "",
          python_module: "nodes",
          category: "toy",
          output_node: false,
        },
        listed: {},
        validates: [],
        validatesTypes: false,
      },
    ]),
  );
}

test("the fleet can do what any of its workers can, and still knows it when all are gone", async () => {
  await using redis = await openRedis();
  await using store = await openJobStore({ url: redis.redisUrl, prefix: redis.prefix });
  expect(await store.catalog()).toBeUndefined();

  await store.announce(worker("a"), { nodes: nodes("A", "B"), models: { loras: ["x", "b"] } });
  await store.announce(worker("b", { catalogDigest: "d2", pool: "gpu" }), {
    nodes: nodes("B", "C"),
    models: { loras: ["a"], vae: ["v"] },
  });
  await store.retire("a");
  await store.retire("b");

  const catalog = await store.catalog();
  expect(new Set(Object.keys(catalog?.nodes ?? {}))).toEqual(new Set(["A", "B", "C"]));
  expect(catalog?.models).toEqual({ loras: ["a", "b", "x"], vae: ["v"] });
  expect(await store.workers()).toEqual([]);
});

test("a catalog that no worker of its pool has any more goes when another one comes", async () => {
  await using redis = await openRedis();
  await using store = await openJobStore({ url: redis.redisUrl, prefix: redis.prefix });
  await store.announce(worker("a"), { nodes: nodes("Old"), models: {} });
  const before = await store.catalog();

  await store.announce(worker("a", { catalogDigest: "d2" }), { nodes: nodes("New"), models: {} });

  const after = await store.catalog();
  expect(Object.keys(after?.nodes ?? {})).toEqual(["New"]);
  expect(after?.digest).not.toBe(before?.digest);
});

test("a worker that is silent for too long is gone", async () => {
  await using redis = await openRedis();
  await using store = await openJobStore({
    url: redis.redisUrl,
    prefix: redis.prefix,
    workerTtlSeconds: 0.3,
  });
  await store.announce(worker("a"), { nodes: {}, models: {} });
  expect(await store.workers()).toMatchObject([{ workerId: "a" }]);

  await expect.poll(() => store.workers()).toEqual([]);
});

test("a worker whose catalog Redis does not know is asked for it", async () => {
  await using redis = await openRedis();
  await using store = await openJobStore({ url: redis.redisUrl, prefix: redis.prefix });

  expect(await store.announce(worker("a"))).toBe(false);
  expect(await store.announce(worker("a"), { nodes: {}, models: {} })).toBe(true);
  expect(await store.announce(worker("a"))).toBe(true);
});

test("a catalog keeps limits beyond 2^53 to the digit", async () => {
  await using redis = await openRedis();
  await using store = await openJobStore({ url: redis.redisUrl, prefix: redis.prefix });
  const seed = ["INT", { default: 0, max: 18446744073709551615n }] satisfies [string, object];
  const declared = nodes("Sampler");
  const sampler = declared.Sampler;
  if (sampler === undefined) throw new Error("no Sampler");
  const info = { ...sampler.info, input: { required: { seed } } };
  const catalog = { nodes: { Sampler: { ...sampler, info } }, models: {} };
  await store.announce(worker("a"), catalog);
  expect((await store.catalog())?.nodes.Sampler?.info.input.required).toEqual({ seed });
});
