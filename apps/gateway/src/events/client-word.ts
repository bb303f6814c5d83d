import { createHash } from "node:crypto";

/**
 * First word of the routing key for the events of a client's jobs. A job with a client id is announced under the
 * client's word and not under the gateway's that took it: whichever gateway holds the client's socket binds that
 * word, so a client may post to one gateway and listen, or listen again, at another.
 */
export function clientWord(clientId: string): string {
  return `c_${createHash("sha256").update(clientId).digest("base64url").slice(0, 22)}`;
}
