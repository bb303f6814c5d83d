import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { firstFreeNumber } from "../../src/nodes/saving/first-free-number.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "rabbitloom-numbers-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test.each<[string, readonly string[], number]>([
  ["pic", [], 1],
  ["pic", ["pic_00007_.png", "pic_00002_.jpg", "pic_x_.png", "picture_00099_.png"], 8],
  ["a.b(c)", ["a.b(c)_00003_.png", "aXb(c)_00005_.png"], 4],
  ["p%batch_num%", ["p0_00004_.png", "p12_00006_.png", "p_00009_.png", "px_00011_.png"], 7],
])("behind %j and %j is %i", async (prefix, names, free) => {
  for (const name of names) await writeFile(path.join(folder, name), "");

  expect(await firstFreeNumber(folder, prefix)).toBe(free);
});

test("in a folder that is not there all numbers are free", async () => {
  expect(await firstFreeNumber(path.join(folder, "none"), "pic")).toBe(1);
});
