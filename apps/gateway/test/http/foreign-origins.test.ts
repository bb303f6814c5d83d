/** Pages of other sites, in a browser on the gateway's own machine: what `CORS_ORIGIN` opens, and what it leaves shut. */
import { request } from "node:http";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { savePrompt } from "../support/instant-worker.ts";
import { testGateway } from "../support/test-gateway.ts";

const LISTED = "https://app.example";

async function listening(environment: Readonly<Record<string, string>>) {
  const gateway = await testGateway(environment);
  const url = new URL(await gateway.app.listen({ port: 0, host: "127.0.0.1" }));
  return {
    url,
    jobs: gateway.amqp.jobs,
    /** As a form of a page is sent, without a preflight. */
    post: (headers: Readonly<Record<string, string>>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const sending = request(
          { host: url.hostname, port: url.port, path: "/prompt", method: "POST" },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode);
          },
        );
        sending.setHeader("content-type", "text/plain");
        for (const [name, value] of Object.entries(headers)) sending.setHeader(name, value);
        sending.on("error", reject).end(JSON.stringify({ prompt: savePrompt }));
      }),
    socket: (origin: string) =>
      new Promise<string>((resolve) => {
        const socket = new WebSocket(`ws://${url.host}/ws`, { origin });
        socket.on("error", ({ message }) => resolve(message));
        socket.on("open", () => {
          resolve("open");
          socket.terminate();
        });
      }),
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  };
}

test.each(["https://evil.example", "http://app.example", "null", `${LISTED}.evil.example`])(
  "a page of %s sends no job and hears nothing where another one may",
  async (origin) => {
    await using gateway = await listening({ CORS_ORIGIN: `${LISTED}, https://other.example` });
    expect(await gateway.post({ origin })).toBe(403);
    expect(await gateway.socket(origin)).toContain("403");
    expect(gateway.jobs).toEqual([]);
  },
);

test("the pages that are named may, the gateway's own may, and so may programs", async () => {
  await using gateway = await listening({ CORS_ORIGIN: LISTED });
  for (const origin of [LISTED, gateway.url.origin]) {
    expect(await gateway.post({ origin })).toBe(200);
    expect(await gateway.socket(origin)).toBe("open");
  }
  expect(await gateway.post({})).toBe(200);
  expect(gateway.jobs).toHaveLength(3);
});

test("with CORS_ORIGIN=* every page may", async () => {
  await using gateway = await listening({ CORS_ORIGIN: "*" });
  expect(await gateway.post({ origin: "https://evil.example" })).toBe(200);
  expect(await gateway.socket("https://evil.example")).toBe("open");
});

test("behind a proxy that passes its own name on, the pages of PUBLIC_URL are the gateway's own", async () => {
  await using gateway = await listening({
    CORS_ORIGIN: LISTED,
    PUBLIC_URL: "https://loom.example",
    INSECURE_OPEN: "1",
  });
  const send = (origin: string) => gateway.post({ origin, host: "gateway:8188" });
  expect(await send("https://loom.example")).toBe(200);
  expect(await send(LISTED)).toBe(200);
  expect(await send("https://evil.example")).toBe(403);
});

test("behind a proxy that names the port of https, the page's address without it is the gateway's own", async () => {
  await using gateway = await listening({ CORS_ORIGIN: LISTED, INSECURE_OPEN: "1" });
  const send = (origin: string) => gateway.post({ origin, host: "loom.example:443" });
  expect(await send("https://loom.example")).toBe(200);
  expect(await send("http://loom.example")).toBe(403);
});
