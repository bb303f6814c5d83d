import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { receiveFile } from "../../src/files/place-file.ts";
import { tenantFolders } from "../../src/files/tenant-folders.ts";
import { testGateway } from "../support/test-gateway.ts";

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "loom-strays-"));
});
afterEach(() => rm(dataDir, { recursive: true, force: true }));

test("what a killed gateway was receiving is removed at the next start, what another receives is not", async () => {
  const twoHoursAgo = new Date(Date.now() - 7_200_000);
  const temps = ["default", "acme"].map((tenant) => tenantFolders(dataDir)(tenant).temp);
  for (const temp of temps) {
    await mkdir(temp, { recursive: true });
    for (const name of [".upload-old", ".upload-old.png", "picture.png", ".upload-now"]) {
      await writeFile(join(temp, name), "x");
      if (name !== ".upload-now") await utimes(join(temp, name), twoHoursAgo, twoHoursAgo);
    }
  }

  await using _gateway = await testGateway({ DATA_DIR: dataDir });

  for (const temp of temps) {
    await expect.poll(() => readdir(temp)).toEqual([".upload-now", "picture.png"]);
  }
});

test("of a source that has broken off nothing stays, not even what was about to be opened", async () => {
  const receive = () => {
    const source = new Readable({ read() {} });
    source.push("x");
    source.destroy();
    return receiveFile(dataDir, source);
  };
  const all = await Promise.allSettled(Array.from({ length: 1_000 }, receive));
  expect(new Set(all.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect(await readdir(dataDir)).toEqual([]);
});
