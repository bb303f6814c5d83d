import type { JobStore, OwedWebhook, WebhookStore } from "@rabbitloom/jobs";
import { isCodedError, type JobView, type WebhookDelivery } from "@rabbitloom/protocol";
import { stringifyJson } from "@rabbitloom/workflow";
import { postWebhook } from "./post.ts";
import { webhookHeaders } from "./sign.ts";

export interface CourierOptions {
  readonly store: WebhookStore & Pick<JobStore, "view">;
  readonly timeoutMs: number;
  /** Pauses before the second, third, ... try; after the last one it is given up. */
  readonly retryMs: readonly number[];
  readonly allowsPrivate: boolean;
  readonly onError: (error: unknown) => void;
}

/** Delivers what is due, of any gateway's jobs. */
export interface WebhookCourier extends AsyncDisposable {
  /** Something may be due now. */
  look(): void;
}

const LOOK_EVERY_MS = 1_000;
/** Deliveries under way at once. */
const MOST = 32;

export function webhookCourier(options: CourierOptions): WebhookCourier {
  const { store, timeoutMs, onError } = options;
  const underWay = new Set<Promise<void>>();
  let isClosed = false;
  let looking: Promise<void> | undefined;

  async function takeDue(): Promise<void> {
    // Twice the time a delivery may take: a taker that lives has always settled by then.
    const leaseMs = 2 * timeoutMs;
    const most = MOST - underWay.size;
    if (most <= 0 || isClosed) return;
    for (const owed of await store.takeWebhooks({ leaseMs, most })) {
      const delivery = deliver(options, owed).catch(onError);
      underWay.add(delivery);
      void delivery.finally(() => underWay.delete(delivery));
    }
  }
  function look(): void {
    looking ??= takeDue()
      .catch(onError)
      .finally(() => {
        looking = undefined;
      });
  }
  const timer = setInterval(look, LOOK_EVERY_MS);
  timer.unref();

  return {
    look,
    async [Symbol.asyncDispose]() {
      isClosed = true;
      clearInterval(timer);
      await looking;
      await Promise.all(underWay);
    },
  };
}

/** The receiver is gone for good (RFC 9110, 15.5.11). */
const GONE = 410;

async function deliver(options: CourierOptions, owed: OwedWebhook): Promise<void> {
  const { store, timeoutMs, retryMs, allowsPrivate } = options;
  const body = await bodyOf(store, owed);
  const at = new Date();
  const headers = webhookHeaders({
    id: `${owed.jobId}.${owed.state}`,
    timestamp: Math.floor(at.getTime() / 1000),
    body,
    secret: owed.secret,
  });
  const sent = await postWebhook({ url: owed.url, headers, body, timeoutMs, allowsPrivate }).then(
    (status) => ({ status }),
    (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
  );
  const status = "status" in sent ? sent.status : 0;
  const isDelivered = status >= 200 && status < 300;
  const delivery: WebhookDelivery = {
    event: `job.${owed.state}`,
    try: owed.try,
    at: at.toISOString(),
    durationMs: Date.now() - at.getTime(),
    ...sent,
    isDelivered,
  };
  const isOver = isDelivered || status === GONE;
  const pause = isOver ? undefined : retryMs[owed.try - 1];
  await store.settleWebhook(owed, delivery, pause === undefined ? undefined : jittered(pause));
}

/** The job in that state, as its record tells it; where that is no longer kept, what is still known. */
async function bodyOf(
  store: CourierOptions["store"],
  { jobId, state, at }: OwedWebhook,
): Promise<string> {
  let job: JobView | undefined;
  try {
    job = await store.view("every-tenant", jobId);
  } catch (error) {
    if (!isCodedError(error) || error.code !== "JOB_EXPIRED") throw error;
  }
  const type = `job.${state}`;
  if (job === undefined) return stringifyJson({ type, timestamp: at, data: { id: jobId, state } });
  if (state !== "running") {
    return stringifyJson({ type, timestamp: job.endedAt ?? at, data: job });
  }
  return stringifyJson({ type, timestamp: at, data: atStart(job, at) });
}

/** The record may have gone on since then, and every try has to say the same. */
function atStart(job: JobView, startedAt: string): JobView {
  const { id, tenant, lane, pool, clientId, tags, submittedAt } = job;
  const facts = { id, tenant, lane, pool, clientId, tags, submittedAt, startedAt };
  return { ...facts, state: "running", attempt: 1, lastSeq: 0 };
}

/** Between a whole pause and a quarter more, so that what failed together does not come back together. */
function jittered(pauseMs: number): number {
  return Math.round(pauseMs * (1 + 0.25 * Math.random()));
}
