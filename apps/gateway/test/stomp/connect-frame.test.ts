import fc from "fast-check";
import { describe, expect, inject, test } from "vitest";
import { isTicket, readConnectFrame, ticketFacts } from "../../src/stomp/connect-frame.ts";

describe("the first frame of a STOMP client", () => {
  test.each([
    ["CONNECT\nlogin:job.a\npasscode:a.b.c\n\n\0", { login: "job.a", passcode: "a.b.c" }],
    ["STOMP\r\nlogin:job.a\r\npasscode:a.b.c\r\n\r\n\0", { login: "job.a", passcode: "a.b.c" }],
    ["\n\nCONNECT\nhost:/\n\n\0", { login: "", passcode: "" }],
    [
      "CONNECT\nlogin:job.a\nlogin:root\npasscode:a.b.c\n\n\0\n",
      { login: "job.a", passcode: "a.b.c" },
    ],
  ])("%j names who comes", (text, expected) => {
    expect(readConnectFrame(text)).toEqual(expected);
  });

  test.each([
    "",
    "CONNECT\nlogin:job.a\n\n",
    "SEND\ndestination:/queue/a\n\n\0",
    "CONNECT\nno colon\n\n\0",
    "{}",
  ])("%j is nobody's", (text) => {
    expect(readConnectFrame(text)).toBeUndefined();
  });

  test.each([
    [{ login: "job.a-b_C1", passcode: "aa.bb.cc" }, true],
    [{ login: "job.a*", passcode: "aa.bb.cc" }, false],
    [{ login: "job.", passcode: "aa.bb.cc" }, false],
    [{ login: "guest", passcode: "aa.bb.cc" }, false],
    [{ login: "job.a", passcode: "secret" }, false],
  ])("%o is a ticket: %s", (frame, expected) => {
    expect(isTicket(frame)).toBe(expected);
  });

  const jwt = (claims: object) =>
    `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

  test.each([
    [
      { sub: "job.a", key: "k1" },
      { jobId: "a", keyId: "k1" },
    ],
    [{ sub: "job.a" }, { jobId: "a", keyId: undefined }],
    [
      { sub: "job.a", key: { a: 1 }, end: "soon" },
      { jobId: "a", keyId: undefined },
    ],
    [
      { sub: "job.a", key: "k1", end: 1_800_000_000 },
      { jobId: "a", keyId: "k1", endsAt: new Date(1_800_000_000_000) },
    ],
    [{ sub: "job.b" }, undefined],
    [{ sub: ["job.a"] }, undefined],
    [{}, undefined],
  ])("a ticket of %o is asked about by what it says, not by its login", (claims, expected) => {
    expect(ticketFacts({ login: "job.a", passcode: jwt(claims) })).toEqual(expected);
  });

  const seed = inject("fuzzSeed");
  test(`any text (seed ${seed})`, () => {
    const line = fc.oneof(
      fc.constantFrom(
        "CONNECT",
        "STOMP",
        "login:job.a",
        "passcode:a.b.c",
        "",
        "\0",
        "login:job.a\\c",
        ":",
        "__proto__:x",
      ),
      fc.string(),
    );
    const texts = fc.tuple(fc.array(line), fc.constantFrom("\n", "\r\n", "\r"));
    fc.assert(
      fc.property(texts, ([lines, end]) => {
        const frame = readConnectFrame(lines.join(end));
        if (frame === undefined || !isTicket(frame)) return;
        expect(frame.login).toMatch(/^job\.[\w-]+$/);
        const facts = ticketFacts(frame);
        expect(facts === undefined || `job.${facts.jobId}` === frame.login).toBe(true);
      }),
      { seed, numRuns: 3_000 },
    );
  });
});
