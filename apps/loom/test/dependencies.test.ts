import { expect, test } from "vitest";
import { auditOf } from "../src/install/check-dependencies.ts";
import { isPermitted, packagesOf } from "../src/install/licences.ts";

test.each([
  ["MIT", true],
  ["(MIT OR CC0-1.0)", true],
  ["(GPL-3.0 OR MIT)", true],
  ["(MIT AND GPL-3.0)", false],
  ["GPL-3.0-only", false],
  ["Unknown", false],
])("a package under %s may be shipped: %s", (licence, permitted) => {
  expect(isPermitted({ name: "some-package", licence })).toBe(permitted);
});

test("an exception is one for its package alone", () => {
  const licence = "LGPL-3.0-or-later";
  expect(isPermitted({ name: "@img/sharp-libvips-*", licence })).toBe(true);
  expect(isPermitted({ name: "libvips", licence })).toBe(false);
});

test("packages are listed by name, those of a platform under one", () => {
  expect(
    packagesOf({
      MIT: [{ name: "zod" }, { name: "ajv" }],
      "Apache-2.0": [{ name: "@img/sharp-darwin-arm64" }, { name: "@img/sharp-linuxmusl-x64" }],
    }).map(({ name }) => name),
  ).toEqual(["@img/sharp-*", "@img/sharp-*", "ajv", "zod"]);
});

test("high and critical advisories are told from the rest", () => {
  const advisory = (severity: string) => ({ module_name: "ws", severity, title: "crashes" });
  const advisories = { 1: advisory("moderate"), 2: advisory("high"), 3: advisory("critical") };
  expect(auditOf(JSON.stringify({ advisories }))).toEqual({
    severe: ["ws: high: crashes ", "ws: critical: crashes "],
    others: 1,
  });
});

test.each([
  ['{"error":{"code":"ERR_PNPM_AUDIT_BAD_RESPONSE"}}', "an error"],
  ["", "nothing"],
  ["<html>", "a page"],
])("an answer that is no list of advisories is none: %s", (output) => {
  expect(auditOf(output)).toBeUndefined();
});
