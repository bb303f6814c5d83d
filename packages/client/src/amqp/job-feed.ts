import type { CodedError, JobEndEvent, JobEvent } from "@rabbitloom/protocol";
import { errorOfEnd } from "../job-handle.ts";
import { pushQueue } from "../push-queue.ts";
import { eventOrder } from "../watch/event-order.ts";

/** One job's events on their way from the reply queue, which all jobs share, to whoever submitted it. */
export interface JobFeed {
  readonly events: AsyncIterable<JobEvent>;
  readonly result: Promise<JobEndEvent>;
  /** True where this was the job's end. */
  take(event: JobEvent): boolean;
  fail(error: CodedError): void;
}

export function jobFeed({ keepsPreviews }: { readonly keepsPreviews: boolean }): JobFeed {
  const order = eventOrder();
  const queue = pushQueue<JobEvent>();
  let succeed: (end: JobEndEvent) => void = () => undefined;
  let reject: (error: CodedError) => void = () => undefined;
  const result = new Promise<JobEndEvent>((onSuccess, onFailure) => {
    succeed = onSuccess;
    reject = onFailure;
  });
  // A caller that only iterates must not be ended by a rejection that it never asked for.
  result.catch(() => undefined);

  return {
    events: iterate(queue),
    result,
    take(arrived) {
      for (const event of order.take(arrived)) {
        if (event.type === "node-preview" && !keepsPreviews) continue;
        queue.push(event);
        if (event.type !== "job-end") continue;
        queue.end();
        if (event.state === "succeeded") succeed(event);
        else reject(errorOfEnd(event));
        return true;
      }
      return false;
    },
    fail(error) {
      queue.fail(error);
      reject(error);
    },
  };
}

async function* iterate(queue: ReturnType<typeof pushQueue<JobEvent>>): AsyncGenerator<JobEvent> {
  for (;;) {
    const taken = await queue.take();
    if (typeof taken === "string") return;
    yield taken.item;
  }
}
