import { isIP } from "node:net";
import { CodedError, type Webhook } from "@rabbitloom/protocol";
import { isPrivateAddress } from "./private-address.ts";

/** Refuses what can be seen to be wrong at once; where a name leads is looked at when it is told. */
export function checkWebhook(
  { url }: Webhook,
  { allowsPrivate }: { readonly allowsPrivate: boolean },
): void {
  const { hostname, username, password } = new URL(url);
  if (username !== "" || password !== "") {
    throw new CodedError(
      "INVALID_REQUEST",
      "webhook.url: expected an address without a user and password, got one with them",
    );
  }
  // A dot at the end is the same name.
  const host = hostname.replace(/^\[|\]$|\.$/g, "");
  const isLocal = /(^|\.)localhost$/.test(host) || (isIP(host) !== 0 && isPrivateAddress(host));
  if (isLocal && !allowsPrivate) {
    throw new CodedError(
      "INVALID_REQUEST",
      `webhook.url: expected an address of the public internet, got ${JSON.stringify(host)}`,
    );
  }
}
