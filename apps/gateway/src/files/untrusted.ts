import type { FastifyReply } from "fastify";

/**
 * For bytes of people's own making. No browser takes them for another type than they are sent as; and where it makes a page
 * of them after all, that page is nobody's, runs nothing and loads nothing from elsewhere.
 */
export function untrusted(reply: FastifyReply): FastifyReply {
  return reply
    .header("x-content-type-options", "nosniff")
    .header(
      "content-security-policy",
      "sandbox; default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'",
    );
}
