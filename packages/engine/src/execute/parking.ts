/** Where steps of nodes wait for their answers while the run goes on with others. */
export interface Parking {
  /** Steps that have not settled. */
  readonly size: number;
  /** The first rejection; others no longer matter. */
  readonly failure: { readonly cause: unknown } | undefined;
  park(work: PromiseLike<void>, onSettled: () => void): void;
  /** Resolves when a step settles or the signal is aborted. */
  untilSomethingSettles(): Promise<void>;
  /** Lets timers, messages and other prompts have their turn, unless they just had one. */
  breathe(): Promise<void> | undefined;
}

/** How long nodes that answer at once may hold the event loop. */
const TURN_MS = 8;

export function createParking(signal: AbortSignal): Parking {
  let size = 0;
  let failure: Parking["failure"];
  let wake = () => {};
  let turnBegan = performance.now();
  return {
    get size() {
      return size;
    },
    get failure() {
      return failure;
    },
    park(work, onSettled) {
      size += 1;
      const settle = () => {
        size -= 1;
        onSettled();
        wake();
      };
      work.then(settle, (cause: unknown) => {
        failure ??= { cause };
        settle();
      });
    },
    untilSomethingSettles: () =>
      new Promise((resolve) => {
        wake = () => {
          signal.removeEventListener("abort", wake);
          resolve();
        };
        signal.addEventListener("abort", wake);
      }),
    breathe() {
      // Answers of promises do not count: they come before any timer or message.
      if (performance.now() - turnBegan < TURN_MS) return undefined;
      return new Promise((resolve) => {
        setImmediate(() => {
          turnBegan = performance.now();
          resolve();
        });
      });
    },
  };
}
