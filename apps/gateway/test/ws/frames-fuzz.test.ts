/** Whatever a client sends over `/ws` and `/stomp`: its own socket may be closed, and nobody else notices. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import fc from "fast-check";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { WebSocket } from "ws";
import { type TestGateway, testGateway } from "../support/test-gateway.ts";

/** Printed in titles: put a failure's here to see the same frames again. */
const seed = inject("fuzzSeed");
let gateway: TestGateway;
let port = 0;

beforeAll(async () => {
  // Nobody speaks STOMP there: what gets so far is told that the broker cannot be reached.
  gateway = await testGateway({ STOMP_URL: "ws://127.0.0.1:9/ws" });
  await gateway.app.listen({ port: 0, host: "127.0.0.1" });
  const address = gateway.app.server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(() => gateway[Symbol.asyncDispose]());

const texts = fc.oneof(
  fc.string(),
  fc.jsonValue().map((value) => JSON.stringify(value)),
  fc.constantFrom(
    '{"type":"feature_flags","data":{"supports_preview_metadata":true}}',
    '{"type":"feature_flags","data":{"__proto__":{"supports_preview_metadata":true}}}',
    '{"__proto__":{"type":"feature_flags"}}',
    '{"type":"feature_flags","data":null}',
    "[".repeat(100_000),
    "CONNECT\nlogin:job.a\npasscode:a.b.c\n\n\0",
    "CONNECT\nlogin:guest\npasscode:guest\n\n\0",
    "SUBSCRIBE\nid:0\ndestination:/queue/loom.jobs.default.normal\n\n\0",
    "SEND\ndestination:/exchange/loom.jobs/normal.default\n\n{}\0",
  ),
);
const frames = fc.array(
  fc.oneof(
    texts,
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  ),
  { minLength: 1, maxLength: 5 },
);

/** A socket that was greeted hears its own id: the hub is well. */
async function expectWell(): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?clientId=good`);
  const [first] = await once(socket, "message");
  expect(JSON.parse(String(first))).toMatchObject({ type: "status", data: { sid: "good" } });
  socket.terminate();
  expect((await fetch(`http://127.0.0.1:${port}/livez`)).status).toBe(200);
}

test.each(["/ws", "/stomp"])(`%s takes any messages (seed ${seed})`, async (path) => {
  await fc.assert(
    fc.asyncProperty(frames, async (messages) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`);
      socket.on("error", () => {});
      await once(socket, "open");
      for (const message of messages) socket.send(message);
      socket.close();
      await once(socket, "close");
    }),
    { seed, numRuns: 60 },
  );
  await expectWell();
});

async function handshake(path: string, more = ""): Promise<{ socket: Socket; head: string }> {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => {});
  const key = randomBytes(16).toString("base64");
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${more}\r\n`,
  );
  const [head] = await once(socket, "data");
  return { socket, head: String(head) };
}

/** Lengths that lie, missing masks, reserved bits, broken text: what only a client of its own making sends. */
const wire = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(
    Buffer.from([0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]),
    Buffer.from([0x81, 0x05, 0x68, 0x65, 0x6c, 0x6c, 0x6f]),
    Buffer.from([0xc1, 0x81, 1, 2, 3, 4, 0x60]),
    Buffer.from([0x89, 0xfe, 0x01, 0x00, 1, 2, 3, 4]),
    Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]),
    Buffer.from([0x01, 0x80, 0, 0, 0, 0]),
    Buffer.from([0x88, 0x81, 0, 0, 0, 0, 0x03]),
  ),
);

test(`bytes that are no frames end their own socket (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom("/ws", "/stomp"), fc.array(wire), async (path, parts) => {
      const { socket } = await handshake(path);
      socket.end(Buffer.concat(parts));
      await once(socket, "close");
    }),
    { seed, numRuns: 60 },
  );
  await expectWell();
});

test("a message over a megabyte closes its socket", async () => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`);
  await once(socket, "open");
  socket.send("x".repeat(1_048_577));
  const [code] = await once(socket, "close");
  expect(code).toBe(1009);
});

test("no message is unpacked: the extension is not agreed to", async () => {
  const { socket, head } = await handshake(
    "/ws",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n",
  );
  expect(head).toMatch(/^HTTP\/1.1 101 /);
  expect(head.toLowerCase()).not.toContain("sec-websocket-extensions");
  socket.destroy();
});

test.each(["a%0d%0aX-Injected:%201", "%00", "x".repeat(4_000), "__proto__", "..%2F..%2Fdefault"])(
  "a client may call itself %s, and is called so in its own messages alone",
  async (clientId) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?clientId=${clientId}`);
    const [first] = await once(socket, "message");
    expect(JSON.parse(String(first)).data.sid).toBe(decodeURIComponent(clientId));
    socket.terminate();
  },
);
