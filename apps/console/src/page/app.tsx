import type { Client } from "@rabbitloom/client";
import { useEffect, useState } from "preact/hooks";
import type { JobBoard } from "../jobs/job-board.ts";
import { JobList } from "../jobs/job-list.tsx";
import type { NodeInfos } from "../workflow/fields.ts";
import { WorkflowPanel } from "../workflow/workflow-panel.tsx";
import { KeyForm, type KeyFormProps } from "./key-form.tsx";

export interface AppProps {
  readonly client: Client;
  readonly board: JobBoard;
  readonly storage: Storage;
}

export function App({ client, board, storage }: AppProps) {
  const infos = useNodeInfos(client);
  return (
    <>
      <Masthead />
      <main class="columns">
        <WorkflowPanel client={client} storage={storage} infos={infos} onSubmitted={board.add} />
        <JobList client={client} board={board} />
      </main>
    </>
  );
}

/** What stands there instead while the gateway does not know who is asking. */
export function Entrance(props: KeyFormProps) {
  return (
    <>
      <Masthead />
      <main>
        <KeyForm {...props} />
      </main>
    </>
  );
}

function Masthead() {
  return (
    <header class="masthead">
      <h1>Rabbitloom</h1>
      <p>ComfyUI workflows on your own fleet</p>
    </header>
  );
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
