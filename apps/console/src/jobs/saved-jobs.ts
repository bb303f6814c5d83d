import * as z from "zod";

/** What the page keeps of a job over a reload; everything else is read again from the job's stream. */
export interface SavedJob {
  readonly id: string;
  readonly title: string;
  readonly submittedAt: string;
  /** Titles of the workflow's nodes by id. */
  readonly nodeTitles: Readonly<Record<string, string>>;
}

const savedJobsSchema = z.array(
  z.object({
    id: z.string(),
    title: z.string(),
    submittedAt: z.string(),
    nodeTitles: z.record(z.string(), z.string()),
  }),
);

const KEY = "rabbitloom.jobs";
const KEPT = 20;

/** Newest first. What cannot be read counts as nothing. */
export function savedJobs(storage: Storage): readonly SavedJob[] {
  try {
    return savedJobsSchema.parse(JSON.parse(storage.getItem(KEY) ?? "[]"));
  } catch {
    return [];
  }
}

export function saveJob(storage: Storage, job: SavedJob): void {
  const others = savedJobs(storage).filter(({ id }) => id !== job.id);
  write(storage, [job, ...others].slice(0, KEPT));
}

export function forgetJob(storage: Storage, jobId: string): void {
  write(
    storage,
    savedJobs(storage).filter(({ id }) => id !== jobId),
  );
}

/** A full or forbidden storage costs the memory over a reload, not the job. */
function write(storage: Storage, jobs: readonly SavedJob[]): void {
  try {
    storage.setItem(KEY, JSON.stringify(jobs));
  } catch {
    // The page goes on without.
  }
}
