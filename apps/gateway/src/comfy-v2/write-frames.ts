import { type Cursor, formatCursor, isAfter, type JobView } from "@rabbitloom/protocol";
import type { StreamedEvents } from "../amqp/ports.ts";
import type { EventSink } from "../http/event-stream-reply.ts";
import type { Frame, FrameTranslator } from "./frame-translator.ts";
import { outputObject, type V2Place } from "./job-object.ts";
import { isTerminalStatus } from "./schemas.ts";

export interface FrameSource {
  readonly translator: FrameTranslator;
  readonly job: JobView;
  readonly place: V2Place;
  readonly view: () => Promise<JobView | undefined>;
  /** The job's log, from its beginning. */
  readonly events: (signal: AbortSignal) => AsyncIterable<StreamedEvents>;
  /** Outputs and previews up to here were read before: `Last-Event-ID`. */
  readonly after: Cursor | undefined;
}

/** Progress and previews go out at most this often, and the place in the queue is looked up. */
const TICK_MS = 500;

/** Writes frames as they come, and ends with the terminal `status`, which is the last one. */
export async function writeFrames(source: FrameSource, sink: EventSink): Promise<void> {
  const { translator, after } = source;
  const newest = new Map<Frame["event"], () => Promise<void>>();
  let turn: Promise<unknown> = Promise.resolve();
  let isOver = false;

  /** Ticks and events come from two sides; what they write must not mix. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const next = turn.then(work);
    turn = next.catch(() => {});
    return next;
  }
  async function write(frame: Frame, cursor: Cursor | undefined): Promise<void> {
    const id = cursor === undefined ? "" : `id: ${formatCursor(cursor)}\n`;
    const data = JSON.stringify(await dataOf(frame, source));
    await sink.write(`${id}event: ${frame.event}\ndata: ${data}\n\n`);
  }
  async function flush(): Promise<void> {
    const waiting = [...newest.values()];
    newest.clear();
    for (const send of waiting) await send();
  }
  async function tell(frames: readonly Frame[], cursor?: Cursor): Promise<void> {
    const isKnown = cursor !== undefined && after !== undefined && !isAfter(cursor, after);
    for (const frame of frames) {
      if (frame.event === "progress") newest.set("progress", () => write(frame, cursor));
      else if (isKnown && frame.event !== "status") continue;
      else if (frame.event === "preview") newest.set("preview", () => write(frame, cursor));
      else {
        isOver = frame.event === "status" && isTerminalStatus(frame.status);
        if (isOver) await flush();
        await write(frame, cursor);
      }
    }
  }
  async function tick(): Promise<void> {
    await flush();
    const view = await source.view();
    if (view !== undefined && !isOver) await tell(translator.see(view));
  }

  await tell(translator.opening());
  await flush();
  if (isOver) return;
  const stop = new AbortController();
  let isTicking = false;
  const timer = setInterval(() => {
    // While the reader reads nothing ticks do not pile up, and one that fails is made up for by the next one.
    if (isTicking) return;
    isTicking = true;
    void inTurn(tick)
      .catch(() => {})
      .finally(() => {
        isTicking = false;
      });
  }, TICK_MS);
  try {
    const signal = AbortSignal.any([sink.signal, stop.signal]);
    for await (const { events } of source.events(signal)) {
      for (const event of events) {
        await inTurn(() => tell(translator.take(event), event));
        if (isOver) return;
      }
    }
  } finally {
    clearInterval(timer);
    stop.abort();
    await turn;
  }
}

async function dataOf(frame: Frame, { job, place }: FrameSource): Promise<unknown> {
  switch (frame.event) {
    case "status":
      return { status: frame.status, queue_position: frame.queuePosition ?? null };
    case "progress":
      return frame.progress;
    case "preview": {
      const { nodeId, displayNodeId, contentType, image } = frame.preview;
      return {
        node_id: displayNodeId ?? nodeId,
        content_type: contentType,
        data_base64: Buffer.from(image).toString("base64"),
      };
    }
    case "output":
      return outputObject(frame.output, job, place);
  }
}
