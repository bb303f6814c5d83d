import { once } from "node:events";
import { createServer } from "node:net";
import { expect, test } from "vitest";
import { freePort, freePorts } from "../src/servers/index.ts";

async function occupy(port = 0) {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return { port: address.port, [Symbol.asyncDispose]: async () => void server.close() };
}

test("a port that nobody listens on is taken as it is", async () => {
  const { port, [Symbol.asyncDispose]: release } = await occupy();
  await release();
  expect(await freePort(port)).toBe(port);
});

test("a port in use is replaced by another one, shortly above it where one is free", async () => {
  await using taken = await occupy();
  const port = await freePort(taken.port);
  expect(port).not.toBe(taken.port);
});

test("ports of several names differ, even where the same one is wanted twice", async () => {
  const { a, b } = await freePorts({ a: 0, b: 0 });
  expect(a).not.toBe(b);
});

test("an address that is not this machine's is said, not tried for ever", async () => {
  await expect(freePort(0, "192.0.2.1")).rejects.toThrow(
    /cannot listen on any port of 192\.0\.2\.1/,
  );
});
