import * as z from "zod";
import { commaListSchema } from "./comma-list.ts";
import { CodedError } from "./errors.ts";
import { tenantSchema } from "./identifiers.ts";
import type { Topology } from "./topology.ts";

/** Who may say whose a job is. */
export interface Senders {
  /** As whom this process sends. */
  readonly own: string;
  /** Users of the broker whose jobs are all one tenant's, and whose they are. */
  readonly tenants: Readonly<Record<string, string>>;
  /** Users who are believed what a job says: the fleet's own. */
  readonly trusted: readonly string[];
}

/** Variables that gateways and workers read alike. */
export const senderVariables = {
  /** `user=tenant`, several by commas: jobs that these users of the broker send are this tenant's. */
  AMQP_TENANTS: commaListSchema
    .pipe(z.array(z.string().regex(/^[^=]+=[A-Za-z0-9_-]+$/, "expected user=tenant")))
    .transform((pairs) => Object.fromEntries(pairs.map((pair) => pair.split("=", 2))))
    .pipe(z.record(z.string(), tenantSchema))
    .optional(),
  /** Users of the broker who are believed whose a job is, beside the fleet's own. */
  AMQP_TRUSTED_USERS: commaListSchema.default([]),
};

/** Undefined where everybody who may publish is believed. */
export function readSenders({
  AMQP_URL,
  AMQP_TENANTS: tenants,
  AMQP_TRUSTED_USERS: trusted,
}: {
  readonly AMQP_URL: string;
  readonly AMQP_TENANTS?: Readonly<Record<string, string>> | undefined;
  readonly AMQP_TRUSTED_USERS: readonly string[];
}): Senders | undefined {
  if (tenants === undefined) return undefined;
  const own = userOf(AMQP_URL);
  return { own, tenants, trusted: [own, ...trusted] };
}

/** The broker's user who logs in with an address. */
export function userOf(amqpUrl: string): string {
  return decodeURIComponent(/^amqps?:\/\/([^:@/]*)[^@/]*@/.exec(amqpUrl)?.[1] ?? "guest");
}

/** Whoever of the fleet sends a message once more writes here who sent it first; from others it counts for nothing. */
export const SENDER_HEADER = "loom-sender";

interface SentMessage {
  /** The broker has checked that the sender is this user. */
  readonly userId: string | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
}

/** The broker's user who sent a message first; undefined where nobody says so. */
export function senderOf({ userId, headers }: SentMessage, senders: Senders): string | undefined {
  const first = headers[SENDER_HEADER];
  const isTrusted = userId !== undefined && senders.trusted.includes(userId);
  return isTrusted && typeof first === "string" ? first : userId;
}

/** Whether a message's first sender may say anything: whose a job is, and who hears of it. */
export function isBelieved(message: SentMessage, senders: Senders): boolean {
  const sender = senderOf(message, senders);
  return sender !== undefined && senders.trusted.includes(sender);
}

/** Whose a job is, whatever `claimed` says. Throws FORBIDDEN where nobody knows its sender. */
export function tenantOfSender(message: SentMessage, claimed: string, senders: Senders): string {
  const sender = senderOf(message, senders);
  if (sender !== undefined && Object.hasOwn(senders.tenants, sender)) {
    return senders.tenants[sender] ?? claimed;
  }
  if (isBelieved(message, senders)) return claimed;
  throw new CodedError(
    "FORBIDDEN",
    sender === undefined
      ? "the message does not say which user of the broker sent it (user-id)"
      : `user ${JSON.stringify(sender)} of the broker may send no jobs`,
  );
}

/**
 * Where a message's sender hears of its job, beside the events exchange. The fleet may send to every queue there is, its
 * senders to few: where not everybody is believed it sends to services' own queues alone, and any other counts for none.
 */
export function replyQueueOf(
  { replyTo }: { readonly replyTo: string | undefined },
  { names, senders }: { readonly names: Topology; readonly senders?: Senders | undefined },
): string | undefined {
  const isTaken = senders === undefined || replyTo?.startsWith(names.service(""));
  return isTaken ? replyTo : undefined;
}
