import { expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";

const jwks = { AUTH_JWKS_URL: "https://id/jwks", AUTH_ISSUER: "i", AUTH_AUDIENCE: "a" };

test.each([
  [{}, "open"],
  [{ HOST: "::1" }, "open"],
  [{ HOST: "localhost" }, "open"],
  [{ AUTH: "required" }, "required"],
  [{ HOST: "0.0.0.0", AUTH: "required" }, "required"],
  [{ HOST: "0.0.0.0", INSECURE_OPEN: "1" }, "open"],
  [{ HOST: "0.0.0.0", ...jwks }, "required"],
])("with %j the gateway is %s", (environment, mode) => {
  expect(readConfig([], environment).auth).toBe(mode);
});

test.each([
  { HOST: "0.0.0.0" },
  { HOST: "::" },
  { HOST: "192.168.1.5" },
  { HOST: "loom.example.org" },
  { HOST: "0.0.0.0", AUTH: "open" },
  { PUBLIC_URL: "https://loom.example.org" },
])("with %j the gateway does not start, and says what to set", (environment) => {
  expect(() => readConfig([], environment)).toThrow(/AUTH=required.*INSECURE_OPEN=1/);
});

test("an identity provider without issuer or audience is refused: any of its tokens would do", () => {
  expect(() => readConfig([], { AUTH_JWKS_URL: "https://id/jwks" })).toThrow(/AUTH_ISSUER/);
});

test("an algorithm with a shared secret is refused", () => {
  expect(() => readConfig([], { ...jwks, AUTH_ALGORITHMS: "RS256,HS256" })).toThrow(
    /AUTH_ALGORITHMS/,
  );
});
