import { expect, test } from "vitest";
import { testGateway } from "../support/test-gateway.ts";

const urls = ["/", "/prompt", "/api/v1/jobs", "/api/v2/jobs", "/livez", "/ws", "/no-such-route"];

test.each(["evil.example.org:8188", "127.0.0.1.evil.example.org", "10.0.0.1", "a b", "[::2]:8188"])(
  "an open gateway on loopback refuses requests for %s, and says how to allow them",
  async (host) => {
    await using gateway = await testGateway();
    for (const url of urls) {
      const answer = await gateway.app.inject({ url, headers: { host } });
      expect([url, answer.statusCode]).toEqual([url, 403]);
      expect(answer.body).toContain("ALLOWED_HOSTS");
    }
    const payload = JSON.stringify({ prompt: {} });
    const posted = await gateway.app.inject({
      method: "POST",
      url: "/prompt",
      headers: { host, origin: `http://${host}` },
      payload,
    });
    expect(posted.statusCode).toBe(403);
    expect(gateway.amqp.jobs).toEqual([]);
  },
);

test.each([
  "localhost:8188",
  "127.0.0.1:8188",
  "127.0.0.2",
  "[::1]:9000",
  "loom.localhost",
  "loom.test",
])("it answers to %s", async (host) => {
  await using gateway = await testGateway();
  expect((await gateway.app.inject({ url: "/queue", headers: { host } })).statusCode).toBe(200);
});

test.each([{ AUTH: "required" }, { INSECURE_OPEN: "1" }])(
  "with %j it answers to any name: who may is decided otherwise",
  async (environment) => {
    await using gateway = await testGateway(environment);
    const headers = { host: "loom.example.org" };
    expect((await gateway.app.inject({ url: "/livez", headers })).statusCode).toBe(200);
  },
);
