/** Access tokens of an identity provider: each way to get in without one of its own is refused. */
import { KeyObject, sign } from "node:crypto";
import { createServer } from "node:http";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ReadToken, tokenReader } from "../../src/auth/tokens.ts";

const issuer = "https://id.example.org/";
const audience = "rabbitloom";
const published: object[] = [];
const provider = createServer((_request, response) => {
  response.end(JSON.stringify({ keys: published }));
});
const keys = await generateKeyPair("RS256", { extractable: true });
let read: ReadToken;

async function publish(kid: string, key: typeof keys.publicKey): Promise<void> {
  published.push({ ...(await exportJWK(key)), kid, alg: "RS256", use: "sig" });
}

beforeAll(async () => {
  await publish("first", keys.publicKey);
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const address = provider.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  read = tokenReader({
    jwksUrl: `http://127.0.0.1:${port}/jwks.json`,
    issuer,
    audience,
    algorithms: ["RS256", "ES256"],
    tenantClaim: "org",
    scopeClaim: "scope",
    clockToleranceSeconds: 5,
    cooldownMs: 0,
  });
});
afterAll(() => {
  provider.close();
});

/** A good token, but for what is changed. */
function token(
  change: (jwt: SignJWT) => SignJWT = (jwt) => jwt,
  header = { alg: "RS256", kid: "first" },
): SignJWT {
  return change(
    new SignJWT({ org: "acme", scope: "openid submit loom:read-own" })
      .setProtectedHeader(header)
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject("anna")
      .setExpirationTime("5m"),
  );
}

test("a good token names tenant, scopes and subject; other services' scopes are passed over", async () => {
  expect(await read(await token().sign(keys.privateKey))).toMatchObject({
    tenant: "acme",
    scopes: ["submit", "read-own"],
    keyId: "sub:anna",
  });
});

const now = Math.floor(Date.now() / 1000);

test.each<[string, (jwt: SignJWT) => SignJWT]>([
  ["of another issuer", (jwt) => jwt.setIssuer("https://evil.example.org/")],
  ["for another audience", (jwt) => jwt.setAudience("other")],
  ["that has expired", (jwt) => jwt.setExpirationTime(now - 60)],
  ["that counts only later", (jwt) => jwt.setNotBefore(now + 60)],
])("a token %s is refused", async (_, change) => {
  await expect(read(await token(change).sign(keys.privateKey))).rejects.toMatchObject({
    code: "UNAUTHORIZED",
  });
});

test("a token of an unknown key is refused", async () => {
  const unknown = await token(undefined, { alg: "RS256", kid: "nobody" }).sign(keys.privateKey);
  await expect(read(unknown)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

test("clocks may differ by the tolerance", async () => {
  const late = await token((jwt) => jwt.setExpirationTime(now - 2)).sign(keys.privateKey);
  expect(await read(late)).toMatchObject({ tenant: "acme" });
});

test("a token signed by another's key under the provider's key id is refused", async () => {
  const others = await generateKeyPair("RS256");
  await expect(read(await token().sign(others.privateKey))).rejects.toMatchObject({
    code: "UNAUTHORIZED",
  });
});

test("a token without a signature is refused", async () => {
  const bare = new UnsecuredJWT({ org: "acme", scope: "operate" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject("anna")
    .setExpirationTime("5m")
    .encode();
  await expect(read(bare)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

test("the public key is no secret to sign with: HS256 is refused", async () => {
  const secret = new TextEncoder().encode(await exportSPKI(keys.publicKey));
  const confused = await token(undefined, { alg: "HS256", kid: "first" }).sign(secret);
  await expect(read(confused)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

test("a token without a tenant is refused", async () => {
  const homeless = await new SignJWT({ scope: "submit" })
    .setProtectedHeader({ alg: "RS256", kid: "first" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject("anna")
    .setExpirationTime("5m")
    .sign(keys.privateKey);
  await expect(read(homeless)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

test.each([
  "../../../../dev/null",
  "/proc/self/environ",
  "first' OR '1'='1",
  "first\0",
  "http://127.0.0.1/jwks.json",
  "",
  "__proto__",
])("the key id %j is a name to look up and nothing else", async (kid) => {
  const others = await generateKeyPair("RS256");
  const signed = await token(undefined, { alg: "RS256", kid }).sign(others.privateKey);
  await expect(read(signed)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

test("a token that brings its own key, or says where to fetch it, is refused", async () => {
  const own = await generateKeyPair("RS256", { extractable: true });
  const jwk = await exportJWK(own.publicKey);
  const url = "http://127.0.0.1:9/own.json";
  for (const more of [{ jwk }, { jku: url }, { x5u: url }, { crit: ["exp"] }]) {
    const header = { alg: "RS256", kid: "first", ...more };
    const encoded = [
      header,
      { org: "acme", sub: "anna", iss: issuer, aud: audience, exp: now + 300 },
    ]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    const signature = sign("RSA-SHA256", Buffer.from(encoded), KeyObject.from(own.privateKey));
    await expect(read(`${encoded}.${signature.toString("base64url")}`)).rejects.toMatchObject({
      code: "UNAUTHORIZED",
    });
  }
});

test.each([
  ["a tenant that leaves its folder", { org: "../default" }],
  ["a list of tenants", { org: ["acme"] }],
  ["an object for a tenant", { org: { toString: "acme" } }],
  ["a subject that is too long", { sub: "x".repeat(256) }],
  ["a subject with a line of its own", { sub: "anna\r\nroot" }],
])("a token with %s is refused", async (_what, claims) => {
  const signed = await new SignJWT({ org: "acme", sub: "anna", ...claims })
    .setProtectedHeader({ alg: "RS256", kid: "first" })
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime("5m")
    .sign(keys.privateKey);
  await expect(read(signed)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

test.each([
  "",
  ".",
  "..",
  "a.b.c",
  "e30.e30.",
  `${"e30".repeat(300_000)}.e30.x`,
  "eyJhbGciOiJSUzI1NiJ9..x",
  `${Buffer.from('{"alg":"RS256","kid":{}}').toString("base64url")}.e30.AA`,
])("what is no token at all is refused (%#)", async (text) => {
  await expect(read(text)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
});

test("a key that the provider has published since is found", async () => {
  const second = await generateKeyPair("RS256", { extractable: true });
  const signed = await token(undefined, { alg: "RS256", kid: "second" }).sign(second.privateKey);
  await expect(read(signed)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  await publish("second", second.publicKey);
  expect(await read(signed)).toMatchObject({ tenant: "acme" });
});
