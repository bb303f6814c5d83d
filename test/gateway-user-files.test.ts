/** Two gateways write one user's settings and files at the same time: nothing of either is lost or torn. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openService, type TestService } from "./support/service.ts";

let service: TestService;
let urls: readonly string[];
beforeAll(async () => {
  service = await openService({ workers: 0 });
  urls = [service.url, (await service.startGateway()).url];
}, 180_000);
afterAll(() => service[Symbol.asyncDispose]());

const urlOf = (index: number) => urls[index % urls.length] ?? "";

async function post(url: string, body: string): Promise<Response> {
  return fetch(url, { method: "POST", body });
}

test("settings that come to both gateways at once are all kept, and read whole at any moment", async () => {
  const keys = Array.from({ length: 60 }, (_, index) => `key.${index}`);
  const written = new AbortController();
  const reading = (async () => {
    for (let index = 0; !written.signal.aborted; index++) {
      // A torn file would not parse, and would be answered with an error.
      expect((await fetch(`${urlOf(index)}/settings`)).status).toBe(200);
    }
  })();
  const prefixes = ["", "/api"];
  const statuses = await Promise.all(
    keys.map(async (key, index) => {
      const prefix = prefixes[Math.floor(index / 2) % 2];
      const url = `${urlOf(index)}${prefix}/settings`;
      // One by one and several at once, as the editor does both.
      if (index % 3 > 0) return (await post(`${url}/${key}`, String(index))).status;
      return (await post(url, JSON.stringify({ [key]: index }))).status;
    }),
  );
  written.abort();
  await reading;

  expect(new Set(statuses)).toEqual(new Set([200]));
  const all = Object.fromEntries(keys.map((key, index) => [key, index]));
  for (const url of urls) expect(await (await fetch(`${url}/settings`)).json()).toEqual(all);
  const folder = join(service.fleet.dataDir, "user", "default");
  expect(await readdir(folder)).toEqual(["comfy.settings.json"]);
});

test("of two changes of one key the later one stays", async () => {
  for (const [index, value] of [1, 2, 3, 4].entries()) {
    await post(`${urlOf(index)}/settings/same`, String(value));
  }
  expect(await (await fetch(`${urlOf(0)}/settings/same`)).json()).toBe(4);
});

test("a name that is not to be overwritten is one writer's, and the others are told", async () => {
  const bodies = Array.from({ length: 12 }, (_, index) => String(index).repeat(20_000));
  const answers = await Promise.all(
    bodies.map((body, index) =>
      post(`${urlOf(index)}/userdata/workflows%2Fmine.json?overwrite=false`, body),
    ),
  );
  const statuses = answers.map(({ status }) => status);
  expect(statuses.filter((status) => status === 200)).toHaveLength(1);
  expect(statuses.filter((status) => status === 409)).toHaveLength(11);
  const kept = await (await fetch(`${urlOf(1)}/userdata/workflows%2Fmine.json`)).text();
  expect(kept).toBe(bodies[statuses.indexOf(200)]);
});

test("of writers that do overwrite, one wins whole", async () => {
  const bodies = Array.from({ length: 12 }, (_, index) => String(index).repeat(20_000));
  await Promise.all(bodies.map((body, index) => post(`${urlOf(index)}/userdata/both.json`, body)));
  const kept = await (await fetch(`${urlOf(0)}/userdata/both.json`)).text();
  expect(bodies).toContain(kept);
});
