import type { Client } from "@rabbitloom/client";
import { CodedError, isTerminal } from "@rabbitloom/protocol";
import { useState } from "preact/hooks";
import { EventLog } from "./event-log.tsx";
import { JobFailure } from "./job-failure.tsx";
import { JobOutputs } from "./job-outputs.tsx";
import { fractionDone } from "./job-progress.ts";
import { NodeList } from "./node-list.tsx";
import type { TrackedJob } from "./tracked-job.ts";

export interface JobCardProps {
  readonly client: Client;
  readonly job: TrackedJob;
  readonly onRemove: () => void;
}

const stateNames = {
  pending: "Waiting",
  running: "Running",
  succeeded: "Done",
  failed: "Failed",
  cancelled: "Cancelled",
  dead: "Given up",
} as const;

export function JobCard({ client, job, onRemove }: JobCardProps) {
  const { facts, progress, preview, failure } = job;
  const { state } = progress;
  const hasEnded = isTerminal(state);
  const percent = Math.round(fractionDone(progress) * 100);
  const headingId = `job-${facts.id}`;
  const titleOf = (nodeId: string) => facts.nodeTitles[nodeId] ?? `#${nodeId}`;

  return (
    <article
      class={`job ${state}`}
      aria-labelledby={headingId}
      data-job={facts.id}
      data-state={state}
    >
      <header>
        <h3 id={headingId}>{facts.title}</h3>
        <span class="state" role="status">
          {stateNames[state]}
        </span>
        <span class="spacer" />
        {hasEnded || failure ? (
          <button type="button" class="quiet" onClick={onRemove}>
            Remove
          </button>
        ) : (
          <CancelButton job={job} />
        )}
      </header>
      <p class="facts">
        <a href={`#job=${facts.id}`} title="A link to this job">
          {facts.id.slice(0, 8)}
        </a>
        <span>{timeText(progress.startedAt, progress.endedAt, facts.submittedAt)}</span>
        {progress.attempt > 1 && <span>attempt {progress.attempt}</span>}
      </p>
      {!hasEnded && (
        <progress max={100} value={state === "pending" ? 0 : percent} aria-label="Progress">
          {percent} %
        </progress>
      )}
      <div class="job-body">
        {/* A finished picture takes the preview's place, in the end. */}
        {preview && !(hasEnded && hasFiles(client, job)) && (
          <figure class="preview">
            <img src={preview.url} alt={`Preview of ${titleOf(preview.nodeId)}`} />
            <figcaption>{titleOf(preview.nodeId)}</figcaption>
          </figure>
        )}
        <JobOutputs client={client} outputs={progress.outputs} titleOf={titleOf} />
        <NodeList nodes={progress.nodes} titleOf={titleOf} />
      </div>
      {progress.error && <JobFailure error={progress.error} titleOf={titleOf} />}
      {failure && (
        <div class="notice bad" role="alert">
          <strong>
            {failure.isRetryable
              ? "The events of this job cannot be read now."
              : "This job cannot be shown."}
          </strong>
          <p>{failure.message}</p>
          {failure.isRetryable && (
            <button type="button" onClick={job.retry}>
              Try again
            </button>
          )}
        </div>
      )}
      <EventLog log={job.log} titleOf={titleOf} />
    </article>
  );
}

function CancelButton({ job }: { readonly job: TrackedJob }) {
  const [asked, setAsked] = useState<"no" | "yes" | CodedError>("no");
  const cancel = () => {
    setAsked("yes");
    job.cancel().catch((cause: unknown) => setAsked(CodedError.from(cause)));
  };
  return (
    <>
      {typeof asked === "object" && (
        <span class="complaint" role="alert">
          {asked.message}
        </span>
      )}
      <button type="button" onClick={cancel} disabled={asked === "yes"}>
        {asked === "yes" ? "Cancelling…" : "Cancel"}
      </button>
    </>
  );
}

function hasFiles(client: Client, { progress }: TrackedJob): boolean {
  return client.outputs(progress).length > 0;
}

function timeText(startedAt: string | undefined, endedAt: string | undefined, submittedAt: string) {
  const clock = new Date(submittedAt).toLocaleTimeString([], {
    hour: "2-digit",
    minute: "2-digit",
  });
  if (startedAt === undefined || endedAt === undefined) return clock;
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return `${clock}, took ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}
