/** Records of uploaded files, in a real Redis. */
import type { NewAsset } from "@rabbitloom/jobs";
import { expect, test } from "vitest";
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
  expect(await store.sweepAssets(0)).toEqual([
    { tenant: "t", hash, storedAs: "0a.png", paths: expect.arrayContaining(["a.png", "b.png"]) },
  ]);
  expect(await store.sweepAssets(0)).toEqual([]);
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
  expect(await store.sweepAssets(0)).toEqual([
    { tenant: "t", hash, storedAs: "0a.png", paths: expect.arrayContaining(["brief.png"]) },
  ]);
});
