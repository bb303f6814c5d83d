import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { writePrograms } from "../support/doc-programs.ts";

const tsx = createRequire(import.meta.url).resolve("tsx");
let folder = "";
beforeAll(async () => {
  ({ folder } = await writePrograms("embedding.md"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function runProgram(name: string): Promise<string> {
  const options = ["--conditions=@rabbitloom/source", "--import", tsx, name];
  return (await promisify(execFile)(process.execPath, options, { cwd: folder })).stdout;
}

test("the page's first program saves a picture and prints its path", async () => {
  const printed = (await runProgram("picture.ts")).trim();
  expect(printed).toBe(path.join(folder, "output/blue_00001_.png"));
  expect(existsSync(printed)).toBe(true);
});

test("the page's second program prints progress and decoded previews", async () => {
  expect((await runProgram("progress.ts")).trim().split("\n")).toEqual([
    "2: 0 of 2",
    "2: image/png, 1 x 8 x 8 x 3",
    "2: 1 of 2",
    "2: image/png, 1 x 8 x 8 x 3",
  ]);
});
