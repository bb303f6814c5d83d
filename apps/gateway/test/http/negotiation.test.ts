import { describe, expect, test } from "vitest";
import { bestType } from "../../src/http/accept.ts";
import { isForeignOrigin } from "../../src/http/origin-guard.ts";
import { preferenceApplied, readPreferences } from "../../src/http/prefer.ts";

const offered = ["application/json", "image/png"] as const;

describe("Accept", () => {
  test.each([
    [undefined, "application/json"],
    ["", "application/json"],
    ["*/*", "application/json"],
    ["image/png", "image/png"],
    ["image/*", "image/png"],
    ["IMAGE/PNG", "image/png"],
    ["image/png, */*", "image/png"],
    ["application/json;q=0.5, image/png", "image/png"],
    ["image/png;q=0.5, application/json", "application/json"],
    ["image/png;q=0, image/*", undefined],
    ["application/json+respond-async", "application/json"],
    ["text/html", undefined],
    [",,;q=", "application/json"],
  ])("%s is answered with %s", (accept, expected) => {
    expect(bestType(accept, offered)).toBe(expected);
  });
});

describe("Prefer", () => {
  const none = { prefer: undefined, query: undefined, accept: undefined, contentType: undefined };

  test("unknown preferences are left alone", () => {
    const read = readPreferences({ ...none, prefer: "return=minimal, , x" });
    expect(read).toEqual({
      respondAsync: false,
      waitSeconds: undefined,
      cancelOnDisconnect: false,
    });
    expect(preferenceApplied(read)).toBe("");
  });

  test("what is honoured is said", () => {
    const read = readPreferences({ ...none, prefer: 'Wait="10"', query: "cancel-on-disconnect" });
    expect(preferenceApplied(read)).toBe("wait=10, cancel-on-disconnect");
  });
});

describe("a page's origin, where the gateway is on the visitor's own machine", () => {
  test.each([
    ["127.0.0.1:8188", "http://127.0.0.1:8188", false],
    ["127.0.0.1:8188", "http://127.0.0.1:9999", true],
    ["127.0.0.1:8188", "http://evil.example", true],
    ["localhost:8188", "http://localhost:8188", false],
    ["[::1]:8188", "http://[::1]:8188", false],
    ["[::1]:8188", "http://evil.example", true],
    ["127.8.9.1:8188", "http://evil.example", true],
    ["127.0.0.1:8188", "null", true],
    ["127.0.0.1:8188", undefined, false],
    ["loom.example.org", "http://evil.example", false],
    [undefined, "http://evil.example", false],
  ])("host %s, origin %s: refused is %s", (host, origin, isRefused) => {
    const facts = { host, origin, allowed: undefined, publicUrl: undefined };
    expect(isForeignOrigin(facts)).toBe(isRefused);
  });
});
