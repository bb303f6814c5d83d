import type { Client } from "@rabbitloom/client";
import { useEffect, useReducer, useState } from "preact/hooks";
import { type JobBoard, jobBoard } from "../jobs/job-board.ts";
import { JobCard } from "../jobs/job-card.tsx";
import type { NodeInfos } from "../workflow/fields.ts";
import { WorkflowPanel } from "../workflow/workflow-panel.tsx";

interface AppProps {
  readonly client: Client;
  readonly storage: Storage;
}

export function App({ client, storage }: AppProps) {
  const board = useJobBoard(client, storage);
  const infos = useNodeInfos(client);

  return (
    <>
      <header class="masthead">
        <h1>Rabbitloom</h1>
        <p>ComfyUI workflows on your own fleet</p>
      </header>
      <main class="columns">
        <WorkflowPanel
          client={client}
          storage={storage}
          infos={infos}
          onSubmitted={(facts) => board?.add(facts)}
        />
        <section class="jobs" aria-labelledby="jobs-heading">
          <h2 id="jobs-heading">Jobs</h2>
          {board?.jobs.length === 0 && (
            <p class="empty">Jobs appear here as soon as you run a workflow.</p>
          )}
          {board?.jobs.map((job) => (
            <JobCard
              key={job.facts.id}
              client={client}
              job={job}
              onRemove={() => board.remove(job.facts.id)}
            />
          ))}
        </section>
      </main>
    </>
  );
}

function useJobBoard(client: Client, storage: Storage): JobBoard | undefined {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [board, setBoard] = useState<JobBoard>();
  useEffect(() => {
    const opened = jobBoard({ client, storage, onChange: () => redraw(undefined) });
    setBoard(opened);
    return () => opened.close();
  }, [client, storage]);
  return board;
}

/** What the fleet says of its node classes; without it every value is edited by its JSON type alone. */
function useNodeInfos(client: Client): NodeInfos {
  const [infos, setInfos] = useState<NodeInfos>({});
  useEffect(() => {
    const leaving = new AbortController();
    client.nodes({ signal: leaving.signal }).then(setInfos, () => undefined);
    return () => leaving.abort();
  }, [client]);
  return infos;
}
