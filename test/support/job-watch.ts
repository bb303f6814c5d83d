import { type Broker, subscribe } from "@rabbitloom/broker";
import { decodeEvents, type JobEndEvent, type JobEvent, type Topology } from "@rabbitloom/protocol";

/** Everything that is said about the jobs of a fleet, by job. */
export interface JobWatch extends AsyncDisposable {
  events(jobId: string): readonly JobEvent[];
  /** The first event that fits, past or to come. Rejects after `timeoutMs`. */
  event<Type extends JobEvent["type"]>(
    jobId: string,
    type: Type,
    options?: EventOptions<Extract<JobEvent, { type: Type }>>,
  ): Promise<Extract<JobEvent, { type: Type }>>;
  ended(jobId: string, timeoutMs?: number): Promise<JobEndEvent>;
}

export interface EventOptions<Event> {
  readonly where?: (event: Event) => boolean;
  readonly timeoutMs?: number;
}

export async function watchJobs(broker: Broker, names: Topology): Promise<JobWatch> {
  const byJob = new Map<string, JobEvent[]>();
  const waiting = new Set<() => void>();
  const subscription = await subscribe(broker, {
    exchange: names.events.exchange,
    keys: ["#"],
    onMessage({ body, ...facts }) {
      const message = { ...facts, text: () => body.toString("utf8"), bytes: () => body };
      for (const event of decodeEvents(message)) {
        byJob.set(event.jobId, [...(byJob.get(event.jobId) ?? []), event]);
      }
      for (const look of waiting) look();
    },
  });

  const events = (jobId: string) => byJob.get(jobId) ?? [];

  function event<Type extends JobEvent["type"]>(
    jobId: string,
    type: Type,
    {
      where = () => true,
      timeoutMs = 20_000,
    }: EventOptions<Extract<JobEvent, { type: Type }>> = {},
  ): Promise<Extract<JobEvent, { type: Type }>> {
    const isIt = (candidate: JobEvent): candidate is Extract<JobEvent, { type: Type }> =>
      candidate.type === type;
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = events(jobId)
          .filter(isIt)
          .find((candidate) => where(candidate));
        if (found === undefined) return;
        waiting.delete(look);
        clearTimeout(timer);
        resolve(found);
      };
      const timer = setTimeout(() => {
        waiting.delete(look);
        const seen = events(jobId).map(
          ({ attempt, seq, type: said }) => `${attempt}.${seq} ${said}`,
        );
        reject(
          new Error(`no ${type} of ${jobId} within ${timeoutMs} ms; seen: ${seen.join(", ")}`),
        );
      }, timeoutMs);
      waiting.add(look);
      look();
    });
  }

  return {
    events,
    event,
    ended: (jobId, timeoutMs = 20_000) => event(jobId, "job-end", { timeoutMs }),
    [Symbol.asyncDispose]: () => subscription[Symbol.asyncDispose](),
  };
}
