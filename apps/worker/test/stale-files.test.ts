import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeStaleFiles } from "../src/jobs/stale-files.ts";

const log = pino({ level: "silent" });
const GIVEN_AT = Date.now() - 3_600_000;
const ENDED_AT = GIVEN_AT + 600_000;
const numbers = {
  type: "output",
  subfolder: "sub",
  prefix: "pic.v2",
  first: 7,
  count: 3,
  givenAt: GIVEN_AT,
} as const;

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "loom-stale-"));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const folders = () => ({ input: join(root, "in"), output: root, temp: join(root, "temp") });

async function written(name: string, at: number): Promise<void> {
  await mkdir(join(root, "sub"), { recursive: true });
  await writeFile(join(root, "sub", name), "");
  await utimes(join(root, "sub", name), new Date(at), new Date(at));
}

test("files of these numbers are removed, whatever their extension, and no others", async () => {
  for (const name of ["pic.v2_00007_.png", "pic.v2_00009_.tar.gz"]) await written(name, GIVEN_AT);
  for (const name of ["pic.v2_00006_.png", "pic.v2_00010_.png", "pic_00007_.png"]) {
    await written(name, GIVEN_AT);
  }

  await removeStaleFiles(folders(), [numbers], log);

  expect((await readdir(join(root, "sub"))).toSorted()).toEqual([
    "pic.v2_00006_.png",
    "pic.v2_00010_.png",
    "pic_00007_.png",
  ]);
});

test("a file that was there before its number was given stays", async () => {
  await written("pic.v2_00007_.png", GIVEN_AT - 60_000);
  await removeStaleFiles(folders(), [numbers], log);
  expect(await readdir(join(root, "sub"))).toEqual(["pic.v2_00007_.png"]);
});

test("a file that came after the job had ended stays", async () => {
  await written("pic.v2_00007_.png", ENDED_AT + 60_000);
  await removeStaleFiles(folders(), [{ ...numbers, endedAt: ENDED_AT }], log);
  expect(await readdir(join(root, "sub"))).toEqual(["pic.v2_00007_.png"]);
});

test("each picture of a batch is found by its place in the prefix", async () => {
  for (const name of ["p0_00007_.png", "p1_00008_.png", "p1_00007_.png"]) {
    await written(name, GIVEN_AT);
  }
  await removeStaleFiles(folders(), [{ ...numbers, prefix: "p%batch_num%" }], log);
  expect(await readdir(join(root, "sub"))).toEqual(["p1_00007_.png"]);
});

test("a folder that is not there has nothing to remove", async () => {
  await removeStaleFiles(folders(), [numbers], log);
  expect(await readdir(root)).toEqual([]);
});
