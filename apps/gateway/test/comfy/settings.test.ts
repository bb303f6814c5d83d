import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

let gateway: TestGateway;
beforeEach(async () => {
  gateway = await testGateway();
});
afterEach(() => gateway[Symbol.asyncDispose]());

const post = (url: string, payload: unknown) =>
  gateway.app.inject({ method: "POST", url, payload: JSON.stringify(payload) });
const settings = async () => (await gateway.app.inject("/settings")).json();

test("changes that come at once, under either path, are all kept", async () => {
  const keys = Array.from({ length: 30 }, (_, index) => `k${index}`);
  await Promise.all(
    keys.map((key, index) => post(`${index % 2 === 0 ? "" : "/api"}/settings/${key}`, index)),
  );
  expect(await settings()).toEqual(Object.fromEntries(keys.map((key, index) => [key, index])));
});

test("a change that cannot be written fails its requests, and the next one is written", async () => {
  const folder = join(gateway.folders.user, "default");
  await writeFile(folder, "a file where the folder should be");
  const answers = await Promise.all([post("/settings", { a: 1 }), post("/settings/b", 2)]);
  expect(answers.every(({ statusCode }) => statusCode >= 400)).toBe(true);
  await rm(folder);
  expect((await post("/settings/c", 3)).statusCode).toBe(200);
  expect(await settings()).toEqual({ c: 3 });
});
