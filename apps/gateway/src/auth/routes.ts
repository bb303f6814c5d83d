import type { KeyRing } from "@rabbitloom/jobs";
import { CodedError } from "@rabbitloom/protocol";
import type { FastifyInstance, FastifyReply } from "fastify";
import { baseUrl } from "../http/base-url.ts";
import { objectBody } from "../http/json-body.ts";
import { parseWith } from "../http/schema.ts";
import { operation } from "../openapi/operation.ts";
import { SESSION_COOKIE } from "./credentials.ts";
import {
  closeSession,
  createKey,
  issueUrlToken,
  listKeys,
  newKeySchema,
  openSession,
  readPrincipal,
  revokeKey,
} from "./operations.ts";
import type { PassHolder, PassOffice } from "./passes.ts";
import type { Principal } from "./principal.ts";

export interface AuthRouteOptions {
  readonly keys: KeyRing;
  readonly passes: PassOffice;
  readonly publicUrl: string | undefined;
}

/** `/api/v1/keys` for operators; sessions, tokens for addresses and `/api/v1/me` for everybody who is known. */
export function authRoutes(app: FastifyInstance, options: AuthRouteOptions): void {
  const { keys, passes, publicUrl } = options;

  app.get("/api/v1/keys", operation(listKeys, "operate"), async () => ({
    keys: await keys.list(),
  }));

  app.post("/api/v1/keys", operation(createKey, "operate"), async (request, reply) => {
    const { expiresAt, name, ...facts } = parseWith(newKeySchema, objectBody(request.body), "body");
    const made = await keys.create({
      ...facts,
      ...(name !== undefined && { name }),
      ...(expiresAt !== undefined && { expiresAt: new Date(expiresAt) }),
    });
    return reply.code(201).header("cache-control", "no-store").send(made);
  });

  app.delete<{ Params: { id: string } }>(
    "/api/v1/keys/:id",
    operation(revokeKey, "operate"),
    async (request, reply) => {
      const { id } = request.params;
      if (await keys.revoke(id)) return reply.code(204).send();
      throw new CodedError("NOT_FOUND", `there is no key ${JSON.stringify(id)}`);
    },
  );

  app.get("/api/v1/me", operation(readPrincipal, "known"), async ({ principal }) => ({
    tenant: principal.tenant,
    scopes: [...principal.scopes],
    keyId: principal.keyId ?? null,
  }));

  app.post("/api/v1/session", operation(openSession, "known"), async (request, reply) => {
    const { token, expiresAt } = await passes.issue("session", holderOf(request.principal));
    const seconds = Math.max(0, Math.floor((expiresAt.getTime() - Date.now()) / 1000));
    return setCookie(reply, token, seconds, baseUrl(request, publicUrl)).code(204).send();
  });

  app.delete("/api/v1/session", operation(closeSession, "public"), async (request, reply) =>
    setCookie(reply, "", 0, baseUrl(request, publicUrl)).code(204).send(),
  );

  app.post("/api/v1/url-tokens", operation(issueUrlToken, "known"), async (request, reply) => {
    const { token, expiresAt } = await passes.issue("url", holderOf(request.principal));
    return reply
      .code(201)
      .header("cache-control", "no-store")
      .send({ token, expiresAt: expiresAt.toISOString() });
  });
}

function holderOf({ tenant, scopes, keyId, expiresAt }: Principal): PassHolder {
  if (keyId === undefined) throw new CodedError("CONFLICT", "nobody needs a pass here: it is open");
  return { tenant, scopes: [...scopes], keyId, expiresAt };
}

function setCookie(
  reply: FastifyReply,
  value: string,
  seconds: number,
  base: string,
): FastifyReply {
  const secure = base.startsWith("https:") ? "; Secure" : "";
  return reply.header(
    "set-cookie",
    `${SESSION_COOKIE}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${seconds}${secure}`,
  );
}
