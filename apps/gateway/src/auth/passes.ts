import { createPublicKey, type KeyObject } from "node:crypto";
import { type AccessScope, accessScopeSchema, tenantSchema } from "@rabbitloom/protocol";
import { jwtVerify, SignJWT } from "jose";
import * as z from "zod";

/**
 * Stands for a key or a token where a client can set no header. A session is a browser's cookie; a pass for an address
 * (`?token=`) ends up in logs and histories: it lives for a minute and only reads.
 */
export type PassKind = "session" | "url";

export interface PassHolder {
  readonly tenant: string;
  readonly scopes: readonly AccessScope[];
  /** The key, or the token's subject, that it was given for. */
  readonly keyId: string;
  /** Of what it was given for. */
  readonly expiresAt?: Date | undefined;
}

export interface PassOffice {
  issue(
    kind: PassKind,
    holder: PassHolder,
  ): Promise<{ readonly token: string; readonly expiresAt: Date }>;
  /** Throws where the pass is none of ours, of the other kind, or over. */
  read(kind: PassKind, token: string): Promise<PassHolder>;
}

const LIFETIME_SECONDS: Readonly<Record<PassKind, number>> = { session: 12 * 3_600, url: 60 };

const claimsSchema = z.object({
  sub: z.string(),
  tenant: tenantSchema,
  scopes: z.array(accessScopeSchema),
  exp: z.number(),
});

/** Signed with the gateways' own key. The audience keeps passes, and the broker's tickets, from standing for each other. */
export function passOffice(key: KeyObject, now: () => number = Date.now): PassOffice {
  const publicKey = createPublicKey(key);
  return {
    async issue(kind, { tenant, scopes, keyId, expiresAt: end }) {
      const seconds = Math.floor(now() / 1000);
      const last = seconds + LIFETIME_SECONDS[kind];
      const exp = end === undefined ? last : Math.min(last, Math.floor(end.getTime() / 1000));
      const allowed = kind === "session" ? scopes : scopes.filter((scope) => scope === "read-own");
      const token = await new SignJWT({ tenant, scopes: allowed })
        .setProtectedHeader({ alg: "RS256", typ: "JWT" })
        .setSubject(keyId)
        .setAudience(audienceOf(kind))
        .setExpirationTime(exp)
        .sign(key);
      return { token, expiresAt: new Date(exp * 1000) };
    },
    async read(kind, token) {
      const { payload } = await jwtVerify(token, publicKey, {
        algorithms: ["RS256"],
        audience: audienceOf(kind),
        currentDate: new Date(now()),
      });
      const { sub: keyId, tenant, scopes, exp } = claimsSchema.parse(payload);
      return { keyId, tenant, scopes, expiresAt: new Date(exp * 1000) };
    },
  };
}

function audienceOf(kind: PassKind): string {
  return `loom-${kind}`;
}
