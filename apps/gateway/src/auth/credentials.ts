import type { FastifyRequest } from "fastify";

/** What a request shows to say who sends it. */
export type Credential =
  | { readonly kind: "bearer"; readonly text: string }
  | { readonly kind: "session"; readonly text: string }
  | { readonly kind: "url"; readonly text: string };

export const SESSION_COOKIE = "loom_session";

/**
 * The first of: `Authorization: Bearer`, `X-API-Key`, `?token=`, the session's cookie. What a client says on purpose counts
 * before what its browser adds.
 */
export function credentialOf({ headers, query }: FastifyRequest): Credential | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) {
    return { kind: "bearer", text: /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? "" };
  }
  const key = headers["x-api-key"];
  if (typeof key === "string") return { kind: "bearer", text: key.trim() };
  const token: unknown =
    typeof query === "object" && query !== null && "token" in query ? query.token : undefined;
  if (typeof token === "string") return { kind: "url", text: token };
  const session = cookieOf(headers.cookie, SESSION_COOKIE);
  return session === undefined ? undefined : { kind: "session", text: session };
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const part of header?.split(";") ?? []) {
    const [key, value] = part.trim().split("=", 2);
    if (key === name) return value;
  }
  return undefined;
}
