import type { KeyObject } from "node:crypto";
import {
  type JobView,
  stompDestination,
  type Topology,
  type WatchTicket,
} from "@rabbitloom/protocol";
import { SignJWT } from "jose";
import type { Principal } from "../auth/principal.ts";

export interface TicketOptions {
  readonly key: KeyObject;
  readonly keyId: string;
  readonly audience: string;
  readonly ttlSeconds: number;
  readonly names: Topology;
  /** The broker's virtual host. */
  readonly host: string;
  readonly now?: () => number;
}

/** What it is given for. */
export type TicketHolder = Pick<Principal, "keyId" | "expiresAt">;

/** Makes tickets: each lets its bearer read one job's stream, and connect with it for some minutes. */
export interface TicketOffice {
  /** The ticket, and what it has opened, falls with the holder's credentials. */
  issue(job: JobView, url: string, holder: TicketHolder): Promise<WatchTicket>;
}

/** Messages on their way to one reader: 10 made a replay of 250 messages take twice as long as 100 did. */
const PREFETCH = "100";

export function ticketOffice(options: TicketOptions): TicketOffice {
  const { key, keyId, audience, ttlSeconds, names, host, now = Date.now } = options;
  return {
    async issue(job, url, holder) {
      const stream = names.reply(job.id);
      const login = `job.${job.id}`;
      const seconds = Math.floor(now() / 1000);
      const end =
        holder.expiresAt === undefined ? undefined : Math.floor(holder.expiresAt.getTime() / 1000);
      const expiresAt = Math.min(seconds + ttlSeconds, end ?? Infinity);
      // The id's alphabet has no `*` and no `/`: the scope names exactly this one queue.
      const scope = `rabbitmq.read:${encodeURIComponent(host)}/${encodeURIComponent(stream)}`;
      const passcode = await new SignJWT({ scope, key: holder.keyId, end })
        .setProtectedHeader({ alg: "RS256", kid: keyId, typ: "JWT" })
        .setSubject(login)
        .setAudience(audience)
        .setIssuedAt(seconds)
        .setExpirationTime(expiresAt)
        .sign(key);
      return {
        url,
        host,
        login,
        passcode,
        destination: stompDestination(stream),
        headers: {
          ack: "client-individual",
          "prefetch-count": PREFETCH,
          "x-stream-offset": "first",
        },
        expiresAt: new Date(expiresAt * 1000).toISOString(),
        lastSeq: job.lastSeq,
      };
    },
  };
}
