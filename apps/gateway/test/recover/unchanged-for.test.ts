import { expect, test } from "vitest";
import { unchangedFor } from "../../src/recover/unchanged-for.ts";

test("a thing counts once it was there at every look for long enough", () => {
  let now = 0;
  const looks = unchangedFor(() => now);
  const look = (...things: string[]) => looks.look(things, String, 10);
  expect(look("a")).toEqual([]);
  now = 9;
  expect(look("a", "b")).toEqual([]);
  now = 10;
  expect(look("a", "b")).toEqual(["a"]);
  expect(look("b")).toEqual([]);
  now = 20;
  expect(look("a", "b")).toEqual(["b"]);
});
