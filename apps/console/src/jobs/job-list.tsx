import type { Client } from "@rabbitloom/client";
import { useEffect, useReducer } from "preact/hooks";
import type { JobBoard } from "./job-board.ts";
import { JobCard } from "./job-card.tsx";

/** All jobs on the page. Drawn anew with every change of one, which is why it stands apart from what people type into. */
export function JobList({ client, board }: { readonly client: Client; readonly board: JobBoard }) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => board.onChange(() => redraw(undefined)), [board]);
  return (
    <section class="jobs" aria-labelledby="jobs-heading">
      <h2 id="jobs-heading">Jobs</h2>
      {board.jobs.length === 0 && (
        <p class="empty">Jobs appear here as soon as you run a workflow.</p>
      )}
      {board.jobs.map((job) => (
        <JobCard
          key={job.facts.id}
          client={client}
          job={job}
          onRemove={() => board.remove(job.facts.id)}
        />
      ))}
    </section>
  );
}
