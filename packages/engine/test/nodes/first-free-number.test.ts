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
  ["%batch_num%%batch_num%", ["3_00002_.png", "33_00003_.png", "1234_00005_.png"], 6],
  ["a%batch_num%-%batch_num%b", ["a1-22b_00002_.png", "a1-b_00007_.png", "a11-2_00008_.png"], 3],
  ["%batch_num%7%batch_num%", ["777_00002_.png", "1771_00003_.png", "17_00009_.png"], 4],
  ["%batch_num%_%batch_num%", ["1_2_00003_.png", "1_2_3_00009_.png"], 4],
  ["%batch_num%1%batch_num%12x", ["31112x_00004_.png", "31212x_00005_.png", "3112x_00006_.png"], 6],
  ["pic", ["pic_00002_.png", `pic_${"9".repeat(200)}_.png`], 3],
])("behind %j and %j is %i", async (prefix, names, free) => {
  for (const name of names) await writeFile(path.join(folder, name), "");

  expect(await firstFreeNumber(folder, prefix)).toBe(free);
});

test("in a folder that is not there all numbers are free", async () => {
  expect(await firstFreeNumber(path.join(folder, "none"), "pic")).toBe(1);
});

test("a name of many digits is no work for a prefix of many numbers", async () => {
  await writeFile(path.join(folder, `${"1".repeat(200)}.png`), "");
  await writeFile(path.join(folder, `${"1".repeat(200)}_00004_.png`), "");

  expect(await firstFreeNumber(folder, "%batch_num%".repeat(20))).toBe(5);
  expect(await firstFreeNumber(folder, "%batch_num%1".repeat(20))).toBe(5);
});
