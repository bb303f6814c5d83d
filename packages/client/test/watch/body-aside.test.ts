import { expect, test } from "vitest";
import { splitMessage } from "../../src/watch/body-aside.ts";

const HEAD = "MESSAGE\nsubscription:sub-0\nx:caf\\cé\n";

function frame(head: string, body: Uint8Array, end = "\0\n"): ArrayBuffer {
  const bytes = Buffer.concat([Buffer.from(head), Buffer.from("\n"), body, Buffer.from(end)]);
  return new Uint8Array(bytes).buffer;
}

test("a message is split into its headers and its body, whatever bytes are in that", () => {
  const body = Uint8Array.of(0, 10, 10, 255, 0);
  for (const end of ["\0", "\0\n", "\0\n\n"]) {
    const parts = splitMessage(frame(`${HEAD}content-length:5\n`, body, end));
    expect(parts?.head).toBe(
      "MESSAGE\ncontent-length:0\nsubscription:sub-0\nx:caf\\cé\ncontent-length:5\n\n\0",
    );
    expect(parts?.body).toEqual(body);
  }
});

test("a message without a body has an empty one", () => {
  expect(splitMessage(frame(`${HEAD}content-length:0\n`, new Uint8Array()))?.body).toHaveLength(0);
});

test.each([
  ["a text", `${HEAD}content-length:1\n\nx\0`],
  ["another frame", frame("CONNECTED\ncontent-length:1\n", Uint8Array.of(1))],
  ["a heartbeat", Uint8Array.of(10).buffer],
  ["nothing", new ArrayBuffer(0)],
  ["a message that does not say its length", frame(HEAD, Uint8Array.of(1))],
  ["a length that is no number", frame(`${HEAD}content-length:x\n`, Uint8Array.of(1))],
  ["half a message", frame(`${HEAD}content-length:9\n`, Uint8Array.of(1))],
  ["headers without an end", new Uint8Array(Buffer.from(HEAD)).buffer],
  [
    "two messages in one",
    frame(`${HEAD}content-length:1\n`, Uint8Array.of(1), `\0${HEAD}\ncontent-length:0\n\n\0`),
  ],
])("%s is left to stompjs", (_name, data) => {
  expect(splitMessage(data)).toBeUndefined();
});
