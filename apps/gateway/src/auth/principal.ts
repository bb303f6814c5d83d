import type { Reach } from "@rabbitloom/jobs";
import { type AccessScope, accessScopes, DEFAULT_TENANT } from "@rabbitloom/protocol";

/** Who sends a request, and what that allows. Decided once a request, by the guard, for every surface. */
export interface Principal {
  /** Whose the jobs and files are that its requests make. */
  readonly tenant: string;
  readonly scopes: ReadonlySet<AccessScope>;
  /** The key or the token's subject, for limits and for the audit log. */
  readonly keyId: string | undefined;
  /** When the credentials end, and the sockets with them. */
  readonly expiresAt?: Date | undefined;
  /** ComfyUI's lists, and whatever is done to all of a list. */
  readonly own: Reach;
  /** Jobs that may be looked at by their ids. */
  readonly sees: Reach;
  /** Jobs that may be cancelled or forgotten by their ids. */
  readonly touches: Reach;
}

export interface PrincipalFacts {
  readonly tenant: string;
  readonly scopes: Iterable<AccessScope>;
  readonly keyId: string;
  readonly expiresAt?: Date | undefined;
}

/** Somebody who has shown a key or a token. */
export function knownPrincipal({
  tenant,
  scopes: given,
  keyId,
  expiresAt,
}: PrincipalFacts): Principal {
  const scopes = new Set(given);
  const own = { tenant };
  return {
    tenant,
    scopes,
    keyId,
    expiresAt,
    own,
    sees: scopes.has("read-all") || scopes.has("operate") ? "every-tenant" : own,
    touches: scopes.has("operate") ? "every-tenant" : own,
  };
}

/** Tokens of an identity provider have subjects (`sub:`) in place of keys; they cannot be revoked here. */
export function isOfApiKey(keyId: string): boolean {
  return !keyId.startsWith("sub:");
}

/** Everybody, where nobody has to say who they are: one person's own machine, whose jobs are all theirs. */
export const OPEN_PRINCIPAL: Principal = {
  tenant: DEFAULT_TENANT,
  scopes: new Set(accessScopes),
  keyId: undefined,
  own: "every-tenant",
  sees: "every-tenant",
  touches: "every-tenant",
};

/** Whoever asks for what anybody may have: sees no job of anybody's. */
export const NOBODY: Principal = {
  tenant: "",
  scopes: new Set(),
  keyId: undefined,
  own: { tenant: "-" },
  sees: { tenant: "-" },
  touches: { tenant: "-" },
};
