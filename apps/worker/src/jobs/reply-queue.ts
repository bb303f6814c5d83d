import type { Senders, Topology } from "@rabbitloom/protocol";

/**
 * Where a message's sender hears of its job, beside the events exchange. A worker may send to every queue there is, its senders
 * to few: where not everybody is believed it sends to services' own queues alone, and any other counts for none.
 */
export function replyQueueOf(
  { replyTo }: { readonly replyTo: string | undefined },
  { names, senders }: { readonly names: Topology; readonly senders?: Senders | undefined },
): string | undefined {
  const isTaken = senders === undefined || replyTo?.startsWith(names.service(""));
  return isTaken ? replyTo : undefined;
}
