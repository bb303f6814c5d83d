import { type AccessScope, accessScopes, CodedError, tenantSchema } from "@rabbitloom/protocol";
import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { PassHolder } from "./passes.ts";

/** Signatures that a public key checks. With a shared secret among them, whoever knows the public key could sign. */
export const tokenAlgorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
] as const;
export type TokenAlgorithm = (typeof tokenAlgorithms)[number];

export interface TokenOptions {
  readonly jwksUrl: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly TokenAlgorithm[];
  /** Claim that names the tenant. */
  readonly tenantClaim: string;
  /** Claim with the scopes: a list, or one text with spaces between. Other services' scopes are passed over. */
  readonly scopeClaim: string;
  readonly clockToleranceSeconds: number;
  /** For tests: how long after a fetch an unknown key id is not looked for again. @default 30,000 */
  readonly cooldownMs?: number;
}

/** Reads the access tokens of somebody else's identity provider. Throws UNAUTHORIZED, and says why. */
export type ReadToken = (token: string) => Promise<PassHolder>;

export function tokenReader(options: TokenOptions): ReadToken {
  const { cooldownMs = 30_000 } = options;
  // Keys are fetched again when a token names one that is not known, and every ten minutes.
  const keys = createRemoteJWKSet(new URL(options.jwksUrl), { cooldownDuration: cooldownMs });
  return (token) => readToken(token, keys, options);
}

async function readToken(
  token: string,
  keys: JWTVerifyGetKey,
  options: TokenOptions,
): Promise<PassHolder> {
  const { issuer, audience, algorithms, clockToleranceSeconds: clockTolerance } = options;
  let payload: JWTPayload;
  try {
    const verified = await jwtVerify(token, keys, {
      issuer,
      audience,
      algorithms: [...algorithms],
      clockTolerance,
      requiredClaims: ["exp", "sub"],
    });
    payload = verified.payload;
  } catch (cause) {
    const why = cause instanceof errors.JOSEError ? cause.message : "its keys cannot be fetched";
    throw new CodedError("UNAUTHORIZED", `access token: ${why}`, { cause });
  }
  // OpenID Connect Core 1.0, 2: "MUST NOT exceed 255 ASCII characters".
  if (!/^[\x20-\x7e]{1,255}$/.test(payload.sub ?? "")) {
    throw new CodedError("UNAUTHORIZED", "access token: expected a subject of 1 to 255 characters");
  }
  const tenant = tenantSchema.safeParse(payload[options.tenantClaim]);
  if (!tenant.success) {
    throw new CodedError(
      "UNAUTHORIZED",
      `access token: expected a tenant in the claim ${JSON.stringify(options.tenantClaim)}`,
    );
  }
  return {
    tenant: tenant.data,
    scopes: scopesOf(payload[options.scopeClaim]),
    keyId: `sub:${payload.sub}`,
    expiresAt: new Date((payload.exp ?? 0) * 1000),
  };
}

function scopesOf(claim: unknown): AccessScope[] {
  const names = Array.isArray(claim) ? claim.map(String) : String(claim ?? "").split(" ");
  return accessScopes.filter((scope) => names.includes(scope) || names.includes(`loom:${scope}`));
}
