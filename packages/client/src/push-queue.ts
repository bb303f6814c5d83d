/** What one side pushes and the other takes, in order. */
export interface PushQueue<Item> {
  push(item: Item): void;
  /** No more items; those that wait are still given. */
  end(): void;
  /** As `end`, but the taker gets the error after the last item. */
  fail(error: Error): void;
  /**
   * The next item; `"ended"` after the last; `"quiet"` when none came for `quietMs`. Rejects with the
   * error of `fail`, or with the signal's reason. One taker at a time.
   */
  take(options?: {
    readonly quietMs?: number;
    readonly signal?: AbortSignal;
  }): Promise<{ readonly item: Item } | "ended" | "quiet">;
}

export function pushQueue<Item>(): PushQueue<Item> {
  const items: Item[] = [];
  let closing: { readonly error?: Error } | undefined;
  let wake: (() => void) | undefined;

  const close = (how: { readonly error?: Error }) => {
    closing ??= how;
    wake?.();
  };

  return {
    push(item) {
      if (closing) return;
      items.push(item);
      wake?.();
    },
    end: () => close({}),
    fail: (error) => close({ error }),
    async take({ quietMs, signal } = {}) {
      signal?.throwIfAborted();
      if (items.length === 0 && !closing) {
        await new Promise<void>((resolve) => {
          const timer = quietMs === undefined ? undefined : setTimeout(() => wake?.(), quietMs);
          const onAbort = () => wake?.();
          signal?.addEventListener("abort", onAbort, { once: true });
          wake = () => {
            wake = undefined;
            clearTimeout(timer);
            signal?.removeEventListener("abort", onAbort);
            resolve();
          };
        });
        signal?.throwIfAborted();
      }
      const [item] = items.splice(0, 1);
      if (item !== undefined) return { item };
      if (!closing) return "quiet";
      if (closing.error) throw closing.error;
      return "ended";
    },
  };
}
