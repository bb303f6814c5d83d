/** Jobs taken in at this gateway that have not been heard to end. */
export interface OpenJobs extends Iterable<string> {
  add(jobId: string, tenant: string): void;
  tenantOf(jobId: string): string | undefined;
  delete(jobId: string): void;
}

/** Above this the oldest are no longer looked after: their clients went away, or they wait in a very long queue. */
const MOST = 100_000;

export function openJobs(): OpenJobs {
  const jobs = new Map<string, string>();
  return {
    add(jobId, tenant) {
      jobs.set(jobId, tenant);
      const [oldest] = jobs.keys();
      if (jobs.size > MOST && oldest !== undefined) jobs.delete(oldest);
    },
    tenantOf: (jobId) => jobs.get(jobId),
    delete: (jobId) => void jobs.delete(jobId),
    [Symbol.iterator]: () => jobs.keys(),
  };
}
