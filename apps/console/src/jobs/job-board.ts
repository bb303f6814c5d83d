import type { Client } from "@rabbitloom/client";
import { jobIdSchema } from "@rabbitloom/protocol";
import { forgetJob, type SavedJob, savedJobs, saveJob } from "./saved-jobs.ts";
import { type TrackedJob, trackJob } from "./tracked-job.ts";

/** The jobs on the page, newest first. */
export interface JobBoard {
  readonly jobs: readonly TrackedJob[];
  /** Follows a job and remembers it over a reload. */
  add(facts: SavedJob): void;
  /** Takes it off the page; the job itself goes on. */
  remove(jobId: string): void;
  /** Gives the function that ends it. */
  onChange(listener: () => void): () => void;
}

export interface JobBoardOptions {
  readonly client: Client;
  readonly storage: Storage;
}

/** Begins with the jobs of before a reload, the one that the address names, and follows what other tabs add. */
export function jobBoard({ client, storage }: JobBoardOptions): JobBoard {
  const listeners = new Set<() => void>();
  let jobs: readonly TrackedJob[] = [];

  const changed = () => {
    for (const listener of listeners) listener();
  };

  const follow = (facts: SavedJob) => {
    if (jobs.some((job) => job.facts.id === facts.id)) return;
    jobs = [trackJob(client, facts, changed), ...jobs];
    changed();
  };

  const add = (facts: SavedJob) => {
    saveJob(storage, facts);
    follow(facts);
  };

  const followSaved = () => {
    for (const facts of savedJobs(storage).toReversed()) follow(facts);
  };

  const followAddress = () => {
    const id = new URLSearchParams(location.hash.slice(1)).get("job");
    if (id === null || !jobIdSchema.safeParse(id).success) return;
    if (savedJobs(storage).some((saved) => saved.id === id)) return;
    const submittedAt = new Date().toISOString();
    add({ id, title: "Job from a link", submittedAt, nodeTitles: {} });
  };

  followSaved();
  followAddress();
  addEventListener("storage", followSaved);
  addEventListener("hashchange", followAddress);

  return {
    get jobs() {
      return jobs;
    },
    add,
    remove(jobId) {
      forgetJob(storage, jobId);
      jobs.find((job) => job.facts.id === jobId)?.stop();
      jobs = jobs.filter((job) => job.facts.id !== jobId);
      changed();
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
