import {
  terminalStates,
  type WebhookDelivery,
  type WebhookState,
  webhookDeliverySchema,
  webhookStates,
} from "@rabbitloom/protocol";
import * as z from "zod";
import { settleWebhookScript, takeWebhooksScript, webhookLogScript } from "./scripts/webhooks.ts";
import type { StoreContext } from "./store-context.ts";

export interface NewWebhook {
  readonly url: string;
  readonly secret?: string | undefined;
  /** What is told. @default all states in which a job ends */
  readonly states?: readonly WebhookState[] | undefined;
}

const owedSchema = z
  .tuple([z.string(), z.string(), z.string(), z.enum(webhookStates), z.coerce.number(), z.number()])
  .transform(([jobId, url, secret, state, at, attempt]) => ({
    jobId,
    url,
    secret: secret === "" ? undefined : secret,
    state,
    /** When it came into that state. */
    at: new Date(at).toISOString(),
    try: attempt,
  }));
/** A delivery that the taker has to itself for a while. */
export type OwedWebhook = z.infer<typeof owedSchema>;

export interface WebhookLog {
  /** Absent: delivered, given up, or nothing has happened yet. */
  readonly nextAt: string | undefined;
  readonly deliveries: readonly WebhookDelivery[];
}

/**
 * Webhooks owed, in Redis. A hook comes and goes with its job's record; the script that starts or ends the job puts that
 * among what is due. Each is one step, so that nothing goes untold whatever process dies.
 */
export interface WebhookStore {
  takeWebhooks(options: {
    readonly leaseMs: number;
    readonly most: number;
  }): Promise<OwedWebhook[]>;
  /** Notes how a try went. Without `nextMs` it was the last one. */
  settleWebhook(
    owed: Pick<OwedWebhook, "jobId" | "state" | "try">,
    delivery: WebhookDelivery,
    nextMs: number | undefined,
  ): Promise<void>;
  webhookLog(jobId: string): Promise<WebhookLog>;
}

/** A job that waits longer than this is told of no more. */
const UNTIL_TOLD_MS = 30 * 86_400_000;
const LOG_MS = 7 * 86_400_000;

/** As `submit` takes it. */
export function webhookArguments(webhook: NewWebhook | undefined): (string | number)[] {
  const { url = "", secret = "", states = terminalStates }: Partial<NewWebhook> = webhook ?? {};
  return [url, secret, `,${states.join(",")},`, UNTIL_TOLD_MS];
}

export function webhooks({ run }: StoreContext): WebhookStore {
  return {
    async takeWebhooks({ leaseMs, most }) {
      return z.array(owedSchema).parse(await run(takeWebhooksScript, leaseMs, most));
    },
    async settleWebhook({ jobId, state, try: number }, delivery, nextMs) {
      const text = JSON.stringify(delivery);
      await run(settleWebhookScript, jobId, state, number, text, nextMs ?? "", LOG_MS);
    },
    async webhookLog(jobId) {
      const [due, entries] = logSchema.parse(await run(webhookLogScript, jobId, ...webhookStates));
      return {
        nextAt: due === null ? undefined : new Date(Number(due)).toISOString(),
        deliveries: entries.map((text) => webhookDeliverySchema.parse(JSON.parse(text))),
      };
    },
  };
}

const logSchema = z.tuple([z.string().nullable(), z.array(z.string())]);
