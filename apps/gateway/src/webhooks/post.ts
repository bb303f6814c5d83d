import { lookup } from "node:dns";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { isIP, type LookupFunction } from "node:net";
import { isPrivateAddress } from "./private-address.ts";

export interface WebhookPost {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  /** Let it go to this machine and this network too. */
  readonly allowsPrivate: boolean;
}

/**
 * Sends a body, and answers the status. The name is resolved once, and the connection goes to an address that was
 * looked at, so that a name cannot point elsewhere the second time. Redirects are not followed: a 3xx is an answer.
 */
export function postWebhook(options: WebhookPost): Promise<number> {
  const { headers, body, timeoutMs, allowsPrivate } = options;
  const url = new URL(options.url);
  const host = url.hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    // A literal address is not looked up.
    if (!allowsPrivate && isIP(host) !== 0 && isPrivateAddress(host)) throw refused(host);
    const send: typeof httpRequest = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(url, {
      method: "POST",
      agent: false,
      signal: AbortSignal.timeout(timeoutMs),
      headers: {
        ...headers,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        "user-agent": "Rabbitloom",
      },
      ...(!allowsPrivate && { lookup: publicLookup }),
    });
    request.on("response", (response) => {
      resolve(response.statusCode ?? 0);
      // What it says beside the status is of no interest, however long it is.
      response.destroy();
    });
    request.on("error", reject);
    request.end(body);
  });
}

/** As the system resolves, but one private address among several refuses the name. */
const publicLookup: LookupFunction = (hostname, options, callback) => {
  lookup(hostname, { ...options, all: true }, (error, addresses) => {
    const found = error === null ? addresses : [];
    const [first] = found;
    const wrong = found.find(({ address }) => isPrivateAddress(address));
    if (error !== null) callback(error, "", 0);
    else if (wrong !== undefined) callback(refused(wrong.address), "", 0);
    else if (options.all) callback(null, found);
    else callback(null, first?.address ?? "", first?.family ?? 0);
  });
};

function refused(address: string): Error {
  return new Error(
    `${address} is no address of the public internet: webhooks go there only where WEBHOOK_ALLOW_PRIVATE is set`,
  );
}
