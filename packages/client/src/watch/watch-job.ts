import {
  CodedError,
  type Cursor,
  isCodedError,
  isTerminal,
  type JobEvent,
  type JobView,
} from "@rabbitloom/protocol";
import { type BackoffOptions, backoffDefaults, backoffDelayMs } from "../backoff.ts";
import { delay } from "../delay.ts";
import { type EventOrder, eventOrder } from "./event-order.ts";
import { endFromView, snapshotFromView } from "./from-view.ts";
import type { Transport } from "./transport.ts";

export interface WatchJobOptions {
  /** In order of preference: the next one is tried when the first connections of one come to nothing. */
  readonly transports: readonly [Transport, ...Transport[]];
  readonly view: (signal: AbortSignal | undefined) => Promise<JobView>;
  readonly after?: Cursor | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly backoff?: BackoffOptions | undefined;
  /** After so long without an event the job's state is asked for. */
  readonly quietMs: number;
}

/** Connections that a transport may fail to open, before it ever opened one, until the next is tried. */
const FAILURES_TO_SWITCH = 2;
/** Looks at a job that has ended, each without a new event, until its end is taken from its record. */
const LOOKS_AFTER_END = 2;

/**
 * A job's events from its first, or from the one after `after`, to its `job-end`, whatever happens to
 * the connections in between.
 *
 *   connecting  a ticket is fetched, the socket opened         -> reading, or looking where that failed
 *   reading     events are given as they come                  -> done at job-end, else looking at the close
 *   looking     the gateway says how the job is                -> waiting, done, or an error
 *   waiting     back-off                                       -> connecting
 *
 * The broker closes the socket without a word when it refuses or drops a subscription: only the
 * job's state tells whether another try makes sense. Throws the first error that is not retryable, the
 * last one after too many failures in a row, and the signal's reason.
 */
export async function* watchJob(
  options: WatchJobOptions,
): AsyncGenerator<JobEvent, void, undefined> {
  const { view, signal, backoff } = options;
  const maxFailures = backoff?.maxFailures ?? backoffDefaults.maxFailures;
  const order = eventOrder(options.after);
  const transports = transportChoice(options.transports);
  let failures = 0;
  let looksAfterEnd = 0;

  for (;;) {
    signal?.throwIfAborted();
    let failure: CodedError | undefined;
    try {
      for await (const event of readOnce(transports.current, order, options)) {
        transports.opened();
        failures = 0;
        if (event !== "quiet") {
          looksAfterEnd = 0;
          yield event;
          if (event.type === "job-end") return;
        } else if (isTerminal((await view(signal)).state)) break;
      }
    } catch (cause) {
      failure = codedUnlessAborted(cause, signal);
      transports.failed();
    }
    failures += 1;

    const now = await view(signal).catch((cause: unknown) => {
      failure = codedUnlessAborted(cause, signal);
      return undefined;
    });
    if (now && isTerminal(now.state)) {
      looksAfterEnd += 1;
      if (looksAfterEnd >= LOOKS_AFTER_END || failure?.isRetryable === false) {
        yield* endFromView(now, order.position);
        return;
      }
    }
    if (failure?.isRetryable === false) throw failure;
    if (failures > maxFailures) {
      throw (
        failure ?? new CodedError("CONNECTION_LOST", "the connection is closed again and again")
      );
    }
    await delay(backoffDelayMs(failures, backoff), signal);
  }
}

/** One connection's events in order, each delivery acknowledged when the reader has taken it whole. */
async function* readOnce(
  transport: Transport,
  order: EventOrder,
  { view, quietMs, signal }: WatchJobOptions,
): AsyncGenerator<JobEvent | "quiet", void, undefined> {
  for await (const delivery of transport.connect({ position: order.position, quietMs, signal })) {
    if (delivery === "quiet") {
      yield "quiet";
      continue;
    }
    for (const arrived of delivery.events) {
      for (const event of order.take(arrived)) {
        yield event;
        if (event.type === "job-gap" && event !== arrived && !tellsAll(arrived)) {
          yield snapshotFromView(await view(signal), event);
        }
      }
    }
    delivery.taken();
  }
}

const tellsAll = ({ type }: JobEvent) => type === "job-snapshot" || type === "job-end";

function transportChoice([first, ...others]: readonly [Transport, ...Transport[]]) {
  let current = first;
  let failures = 0;
  let hasOpened = false;
  return {
    get current() {
      return current;
    },
    opened() {
      hasOpened = true;
    },
    failed() {
      failures += 1;
      if (hasOpened || failures < FAILURES_TO_SWITCH) return;
      current = others.shift() ?? current;
      failures = 0;
    },
  };
}

/** Throws on what is no failure of a connection: the signal's reason, and a fault in the program. */
function codedUnlessAborted(cause: unknown, signal: AbortSignal | undefined): CodedError {
  signal?.throwIfAborted();
  if (isCodedError(cause)) return cause;
  throw cause;
}
