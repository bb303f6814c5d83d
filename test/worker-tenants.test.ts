import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Prompt } from "@rabbitloom/protocol";
import { expect, test } from "vitest";
import { openFleet } from "./support/fleet.ts";
import { openService } from "./support/service.ts";

/** The same graph for everybody: only the cache of another tenant could answer it without running it. */
const save: Prompt = {
  "1": { class_type: "EmptyImage", inputs: { width: 16, height: 16, batch_size: 1, color: 0 } },
  "2": { class_type: "SaveImage", inputs: { images: ["1", 0], filename_prefix: "pic" } },
};

test("each tenant's files are in its own folder and count from 1, also when a graph was run before", async () => {
  await using fleet = await openFleet();
  await fleet.startWorker();

  for (const tenant of ["default", "acme", "beta"]) {
    await fleet.jobs.ended(await fleet.submit(save, { tenant }));
  }

  const roots = ["output", "tenants/acme/output", "tenants/beta/output"];
  const files = await Promise.all(roots.map((root) => readdir(join(fleet.dataDir, root))));
  expect(files).toEqual(roots.map(() => ["pic_00001_.png"]));
});

test("a class that validates itself looks into the folders of the tenant whose prompt it is", async () => {
  await using service = await openService({ gateway: { AUTH: "required" } });
  const { store, dataDir } = service.fleet;
  const folder = join(dataDir, "tenants", "acme", "input");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "theirs.txt"), "words");
  const prompt = { "1": { class_type: "ToyReads", inputs: { file: "theirs.txt" } } };
  const post = async (tenant: string) => {
    const { secret } = await store.keys.create({ tenant, scopes: ["submit"] });
    return fetch(`${service.url}/prompt`, {
      method: "POST",
      headers: { "x-api-key": secret },
      body: JSON.stringify({ prompt }),
    });
  };

  expect((await post("acme")).status).toBe(200);
  for (const tenant of ["default", "beta"]) {
    const refused = await post(tenant);
    expect(refused.status).toBe(400);
    expect((await refused.json()).node_errors["1"].errors[0]).toMatchObject({
      type: "custom_validation_failed",
      details: "file - there is no theirs.txt",
    });
  }
});
