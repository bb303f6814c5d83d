/** Jobs taken in at this gateway that have not been heard to end. */
export interface OpenJobs extends Iterable<string> {
  add(jobId: string): void;
  delete(jobId: string): void;
}

/** Above this the oldest are no longer looked after: their clients went away, or they wait in a very long queue. */
const MOST = 100_000;

export function openJobs(): OpenJobs {
  const jobs = new Set<string>();
  return {
    add(jobId) {
      jobs.add(jobId);
      const [oldest] = jobs;
      if (jobs.size > MOST && oldest !== undefined) jobs.delete(oldest);
    },
    delete: (jobId) => void jobs.delete(jobId),
    [Symbol.iterator]: () => jobs.values(),
  };
}
