import { describe, expect, test } from "vitest";
import { isTicket, readConnectFrame } from "../../src/stomp/connect-frame.ts";

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
});
