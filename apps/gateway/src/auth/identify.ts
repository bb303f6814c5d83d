import type { KeyRing } from "@rabbitloom/jobs";
import { CodedError, isCodedError } from "@rabbitloom/protocol";
import type { FastifyRequest } from "fastify";
import { type Credential, credentialOf } from "./credentials.ts";
import type { Identify } from "./guard.ts";
import type { PassHolder, PassOffice } from "./passes.ts";
import { isOfApiKey, knownPrincipal, type Principal } from "./principal.ts";
import type { ReadToken } from "./tokens.ts";

export interface IdentifyOptions {
  readonly keys: Pick<KeyRing, "find" | "isLive">;
  readonly passes: PassOffice;
  /** Undefined: no identity provider is configured. */
  readonly readToken: ReadToken | undefined;
}

/** Knows whoever shows an API key, an access token, or a pass that was given for one. */
export function identifier({ keys, passes, readToken }: IdentifyOptions): Identify {
  async function read(credential: Credential): Promise<PassHolder> {
    const { kind, text } = credential;
    if (kind !== "bearer") return readPass(kind, text);
    if (text.startsWith("loom_")) {
      const key = await keys.find(text);
      if (key === undefined) throw refused("the API key is unknown, revoked or expired");
      const { id, tenant, scopes, expiresAt } = key;
      return {
        keyId: id,
        tenant,
        scopes,
        expiresAt: expiresAt === undefined ? undefined : new Date(expiresAt),
      };
    }
    if (readToken === undefined) throw refused("expected an API key");
    return readToken(text);
  }

  /** A pass falls with the key that it was given for. */
  async function readPass(kind: "session" | "url", text: string): Promise<PassHolder> {
    const holder = await passes.read(kind, text).catch((cause: unknown) => {
      throw refused("the session or the address's token is over, or is none", cause);
    });
    if (isOfApiKey(holder.keyId) && !(await keys.isLive(holder.keyId))) {
      throw refused("its API key was revoked");
    }
    return holder;
  }

  return async (request): Promise<Principal> => {
    const credential = credentialOf(request);
    if (credential === undefined) throw refused("no credentials came with the request");
    if (credential.kind === "url" && request.method !== "GET" && request.method !== "HEAD") {
      throw refused("a token in the address only reads");
    }
    if (credential.kind === "session") checkOrigin(request);
    return knownPrincipal(await read(credential));
  };
}

/** The cookie is sent by whatever page makes the browser ask: only the gateway's own may. */
function checkOrigin({ headers }: FastifyRequest): void {
  const { origin, host } = headers;
  if (origin === undefined) return;
  if (URL.canParse(origin) && new URL(origin).host === host) return;
  throw refused("the session counts for the gateway's own pages only");
}

function refused(why: string, cause?: unknown): CodedError {
  if (isCodedError(cause)) return cause;
  return new CodedError("UNAUTHORIZED", why, { cause });
}
