/** docs/security.md says of each of its rows which test shows it: the file is there, and has tests in it. */
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";

const root = new URL("../../../../", import.meta.url);
const document = await readFile(new URL("docs/security.md", root), "utf8");
const [, section = ""] = document.split("\n## Attacks and refusals\n");
const rows = section
  .split("\n")
  .filter((line) => line.startsWith("| "))
  .map((line) => line.slice(2, -2).split(" | "))
  .slice(1);

test("the table has a row for each kind of attack", () => {
  expect(rows.length).toBeGreaterThan(40);
  expect(new Set(rows.map(([attack]) => attack)).size).toBe(rows.length);
});

test.each(rows.map((cells) => [cells[0] ?? "", cells] as const))(
  "%s: its test is there",
  async (_attack, cells) => {
    expect(cells).toHaveLength(3);
    const files = [...(cells[2] ?? "").matchAll(/`([^`]+\.test\.ts)`/g)].map(
      ([, file]) => file ?? "",
    );
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      expect(await readFile(new URL(file, root), "utf8"), file).toMatch(/^\s*test(\.each.*)?\(/m);
    }
  },
);
