/** Lets one holder in at a time, in the order of asking: calls that use the device never overlap. */
export interface Gate {
  /** Waits its turn and gives the function that ends it. Rejects with the signal's reason when that comes first. */
  enter(signal: AbortSignal): Promise<() => void>;
}

export function createGate(): Gate {
  let last = Promise.resolve();
  return {
    async enter(signal) {
      const before = last;
      let leave = () => {};
      const left = new Promise<void>((resolve) => {
        leave = resolve;
      });
      last = before.then(() => left);
      try {
        await unlessAborted(before, signal);
      } catch (cause) {
        leave();
        throw cause;
      }
      return leave;
    },
  };
}

/** The promise, or a rejection with the signal's reason as soon as it is aborted. */
export function unlessAborted<Value>(
  promise: PromiseLike<Value>,
  signal: AbortSignal,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    const settle = () => signal.removeEventListener("abort", abort);
    promise.then(
      (value) => {
        settle();
        resolve(value);
      },
      (cause: unknown) => {
        settle();
        reject(cause);
      },
    );
  });
}
