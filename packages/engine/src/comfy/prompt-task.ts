import type { EngineEvent } from "@rabbitloom/protocol";
import type { Tensor } from "../tensor.ts";
import type { ComfyOutputs } from "./outputs.ts";

type PreviewEvent = Extract<EngineEvent, { type: "node-preview" }>;

/** A picture on the way: encoded, with its facts; decoded when asked. */
export type ComfyPreview = PreviewEvent & {
  /** [1,H,W,3], 0..1 */
  decode(): Promise<Tensor>;
};

export type ComfyEvent = Exclude<EngineEvent, PreviewEvent> | ComfyPreview;

/** A prompt on its way. */
export interface PromptTask {
  /** All events from the first on, also for those who come late; ends when the prompt has ended, well or not. */
  progress(): AsyncIterableIterator<ComfyEvent>;
  /** What the output nodes show. Rejects when the prompt fails or is cancelled. */
  result(): Promise<ComfyOutputs>;
  /** Stops it: at once where it waits, else at the node's next chance. @default an AbortError */
  cancel(reason?: unknown): void;
}

/** What the work of a task is given. */
export interface TaskRun {
  readonly signal: AbortSignal;
  readonly onEvent: (event: EngineEvent) => void;
}

/** Starts the work; it is cancelled by `cancel`, by the caller's signal, and when everything closes. */
export function createTask(
  closing: AbortSignal,
  signal: AbortSignal | undefined,
  work: (run: TaskRun) => Promise<ComfyOutputs>,
): PromptTask {
  const stop = new AbortController();
  const sources = signal === undefined ? [closing] : [closing, signal];
  const listeners = sources.map((source) => {
    const abort = () => stop.abort(source.reason);
    if (source.aborted) abort();
    source.addEventListener("abort", abort, { once: true });
    return () => source.removeEventListener("abort", abort);
  });
  const events: ComfyEvent[] = [];
  let hasEnded = false;
  let wakeReaders = () => {};
  let news = nextNews();

  function nextNews(): Promise<void> {
    return new Promise((resolve) => {
      wakeReaders = resolve;
    });
  }

  function announce(): void {
    const wake = wakeReaders;
    news = nextNews();
    wake();
  }

  const result = work({
    signal: stop.signal,
    onEvent(event) {
      events.push(event.type === "node-preview" ? decodable(event) : event);
      announce();
    },
  }).finally(() => {
    hasEnded = true;
    for (const remove of listeners) remove();
    announce();
  });
  // Who only reads the progress must not be brought down by a rejection that nobody waits for.
  result.catch(() => {});

  return {
    async *progress() {
      for (let index = 0; ; ) {
        const event = events[index];
        if (event !== undefined) {
          index += 1;
          yield event;
        } else if (hasEnded) {
          return;
        } else {
          await news;
        }
      }
    },
    result: () => result,
    cancel: (reason) => stop.abort(reason),
  };
}

function decodable(event: PreviewEvent): ComfyPreview {
  return {
    ...event,
    async decode() {
      // Only here: a program that never looks at previews need not load the image library.
      const { decodeImage } = await import("../image/decode.ts");
      const { pixelsToImage } = await import("../image/pixels.ts");
      const frames = await decodeImage(event.image);
      return pixelsToImage(frames.map(({ color }) => color));
    },
  };
}
