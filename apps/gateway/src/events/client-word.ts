import { createHash } from "node:crypto";

/**
 * First word of the routing key for the events of a client's jobs. A job with a client id is announced under the
 * client's word and not under the gateway's that took it: whichever gateway holds the client's socket binds that
 * word, so a client may post to one gateway and listen, or listen again, at another. Two tenants
 * whose clients have the same id have two words.
 */
export function clientWord(tenant: string, clientId: string): string {
  // A tenant has no line feed in its name: no other pair makes the same text.
  const digest = createHash("sha256").update(`${tenant}\n${clientId}`).digest("base64url");
  return `c_${digest.slice(0, 22)}`;
}
