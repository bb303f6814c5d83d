/** Records of uploaded files, in a real Redis. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NewAsset } from "@rabbitloom/jobs";
import { expect, test } from "vitest";
import { assetLibrary } from "../apps/gateway/src/comfy-v2/asset-library.ts";
import { openStore } from "./support/job-store.ts";

const hash = `blake3:${"0a".repeat(32)}`;

function asset(given: Partial<NewAsset> = {}): NewAsset {
  return {
    tenant: "t",
    id: "one",
    hash,
    storedAs: "0a.png",
    sizeBytes: 5,
    contentType: "image/png",
    filePath: "a.png",
    ...given,
  };
}

test("the same bytes under the same path are one record, under another path two of one blob", async () => {
  await using open = await openStore();
  const { store, other } = open;
  const first = await store.addAsset(asset());
  expect(first).toMatchObject({ isNewRecord: true, isNewBlob: true, asset: { id: "one" } });

  const again = await other.addAsset(asset({ id: "two" }));
  expect(again).toMatchObject({ isNewRecord: false, isNewBlob: false, asset: { id: "one" } });

  const renamed = await other.addAsset(asset({ id: "two", filePath: "b.png", storedAs: "x.bin" }));
  expect(renamed).toMatchObject({
    isNewRecord: true,
    isNewBlob: false,
    asset: { id: "two", storedAs: "0a.png", filePath: "b.png" },
  });
  expect(await store.findAsset("t", "two")).toEqual(renamed?.asset);
});

test("a hash names only what the tenant itself has", async () => {
  await using open = await openStore();
  await open.store.addAsset(asset());
  const { storedAs, sizeBytes, contentType, ...byHash } = asset({ id: "two", filePath: "b.png" });
  expect(await open.store.addAsset({ ...byHash, tenant: "other" })).toBeUndefined();
  expect(await open.store.hasBlob("other", hash)).toBe(false);
  expect(await open.store.findAsset("other", "one")).toBeUndefined();
  expect(await open.store.removeAsset("other", "one")).toBe(false);
  expect(await open.store.addAsset(byHash)).toMatchObject({
    asset: { id: "two", storedAs, sizeBytes, contentType },
  });
});

test("a blob is swept when its last record has gone, and not when the bytes came again", async () => {
  await using open = await openStore();
  const { store } = open;
  await store.addAsset(asset());
  await store.addAsset(asset({ id: "two", filePath: "b.png" }));

  expect(await store.removeAsset("t", "one")).toBe(true);
  expect(await store.removeAsset("t", "one")).toBe(false);
  expect(await store.sweepAssets(0)).toEqual([]);

  await store.removeAsset("t", "two");
  expect(await store.hasBlob("t", hash)).toBe(false);
  expect(await store.sweepAssets(60_000)).toEqual([]);
  await store.addAsset(asset({ id: "three" }));
  expect(await store.sweepAssets(0)).toEqual([]);

  await store.removeAsset("t", "three");
  const paths = expect.arrayContaining(["a.png", "b.png"]);
  const found = { tenant: "t", hash, storedAs: "0a.png", paths };
  expect(await store.sweepAssets(0)).toMatchObject([found]);
  // Until its file is gone, and another sweep does not take it at the same time.
  expect(await store.sweepAssets(60_000)).toEqual([]);
  const [swept = expect.fail("not swept again")] = await store.sweepAssets(0);
  expect(swept).toMatchObject(found);
  await store.addAsset(asset({ id: "four" }));
  await store.forgetBlob(swept);
  expect(await store.findAsset("t", "four")).toMatchObject({ storedAs: "0a.png" });
  await store.removeAsset("t", "four");
  const [last = expect.fail("not swept again")] = await store.sweepAssets(0);
  await store.forgetBlob(last);
  expect(await store.sweepAssets(0)).toEqual([]);
});

test("files of a sweep that was killed, or that failed at one of them, are removed by the next", async () => {
  await using open = await openStore();
  const root = await mkdtemp(join(tmpdir(), "loom-assets-"));
  const input = join(root, "input");
  await mkdir(input);
  const folders = { input, output: join(root, "output"), temp: join(root, "temp") };
  let isKilled = true;
  const library = assetLibrary({
    ...open.store,
    sweepAssets: () => open.store.sweepAssets(0),
    hasBlob: async (tenant, wanted) => {
      if (isKilled && wanted === hash) throw new Error("killed");
      return open.store.hasBlob(tenant, wanted);
    },
  });
  const hashes = [hash, `blake3:${"0b".repeat(32)}`];
  for (const [index, each] of hashes.entries()) {
    const file = { path: join(root, `upload-${index}`), sizeBytes: 5, digest: each };
    await writeFile(file.path, "bytes");
    const filePath = `${index}.png`;
    const facts = { tenant: "t", folders, filePath, hash: each, contentType: "image/png" };
    const { asset } = await library.add({ ...facts, file });
    await open.store.removeAsset("t", asset.id);
  }
  const files = async () => {
    const found = await readdir(input, { recursive: true, withFileTypes: true });
    return found.filter((entry) => entry.isFile()).map(({ name }) => name);
  };

  expect(await files()).toHaveLength(4);
  await expect(library.sweep(() => folders)).rejects.toThrow("killed");
  expect(await files()).toHaveLength(2);
  isKilled = false;
  expect(await library.sweep(() => folders)).toBe(1);
  expect(await files()).toEqual([]);
  expect(await library.sweep(() => folders)).toBe(0);
  await rm(root, { recursive: true });
});

test("a record that has expired is gone, and the bytes given again prolong one that has not", async () => {
  await using open = await openStore();
  const { store } = open;
  const short = await store.addAsset(asset({ keepMs: 60_000 }));
  const long = await store.addAsset(asset({ keepMs: 120_000 }));
  expect(Date.parse(long?.asset.expiresAt ?? "")).toBeGreaterThan(
    Date.parse(short?.asset.expiresAt ?? ""),
  );
  expect((await store.addAsset(asset({ keepMs: 1 })))?.asset.expiresAt).toBe(long?.asset.expiresAt);
  expect((await store.addAsset(asset()))?.asset.expiresAt).toBeUndefined();

  await store.addAsset(asset({ id: "brief", filePath: "brief.png", keepMs: 1 }));
  await expect.poll(() => store.findAsset("t", "brief")).toBeUndefined();
  await store.removeAsset("t", "one");
  expect(await store.sweepAssets(0)).toMatchObject([
    { tenant: "t", hash, storedAs: "0a.png", paths: expect.arrayContaining(["brief.png"]) },
  ]);
});
