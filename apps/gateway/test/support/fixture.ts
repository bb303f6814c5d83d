import { readFile } from "node:fs/promises";
import { parseJson } from "@rabbitloom/workflow";

/** A file of test/fixtures, without losing a digit of its numbers. */
export async function fixture(name: string): Promise<unknown> {
  return parseJson(await readFile(new URL(`../fixtures/${name}`, import.meta.url), "utf8"));
}
