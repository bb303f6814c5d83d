import { createHmac } from "node:crypto";

export interface SignedParts {
  readonly id: string;
  /** Seconds. */
  readonly timestamp: number;
  readonly body: string;
  /** `whsec_` and the key in base64. */
  readonly secret: string | undefined;
}

/** Headers of a delivery, as Standard Webhooks 1.0 wants them; unsigned where there is no secret. */
export function webhookHeaders({
  id,
  timestamp,
  body,
  secret,
}: SignedParts): Record<string, string> {
  const headers = { "webhook-id": id, "webhook-timestamp": String(timestamp) };
  if (secret === undefined) return headers;
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const digest = createHmac("sha256", key).update(`${id}.${timestamp}.${body}`).digest("base64");
  return { ...headers, "webhook-signature": `v1,${digest}` };
}
