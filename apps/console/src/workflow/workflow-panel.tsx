import type { Client } from "@rabbitloom/client";
import { CodedError } from "@rabbitloom/protocol";
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { SavedJob } from "../jobs/saved-jobs.ts";
import { type NodeInfos, nodeForms, withValue } from "./fields.ts";
import { NodeFormView } from "./node-form.tsx";
import { saveDraft, savedDraft } from "./saved-draft.ts";
import { complaintsOf, SubmitError } from "./submit-error.tsx";
import { type Draft, workflowBody } from "./workflow.ts";
import { WorkflowIntake } from "./workflow-intake.tsx";
import { WorkflowSource } from "./workflow-source.tsx";

export interface WorkflowPanelProps {
  readonly client: Client;
  readonly storage: Storage;
  readonly infos: NodeInfos;
  readonly onSubmitted: (facts: SavedJob) => void;
}

/** Where a workflow is brought in, its values are changed, and it is run. */
export function WorkflowPanel({ client, storage, infos, onSubmitted }: WorkflowPanelProps) {
  const [draft, setDraft] = useState<Draft | undefined>(() => savedDraft(storage));
  const [error, setError] = useState<CodedError>();
  const [isSending, setSending] = useState(false);

  const change = (next: Draft | undefined) => {
    setDraft(next);
    setError(undefined);
    saveDraft(storage, next);
  };

  const run = async () => {
    if (!draft || isSending) return;
    setSending(true);
    setError(undefined);
    try {
      const job = await client.submit(workflowBody(draft.workflow));
      const titles = nodeForms(draft.workflow, infos).map(({ id, title }) => [id, title]);
      onSubmitted({
        id: job.id,
        title: draft.name,
        submittedAt: new Date().toISOString(),
        nodeTitles: Object.fromEntries(titles),
      });
    } catch (cause) {
      setError(CodedError.from(cause));
    } finally {
      setSending(false);
    }
  };

  const form = useRef<HTMLFormElement>(null);
  useRunKey(form);
  const complaints = complaintsOf(error);

  return (
    <section class="workflow" aria-labelledby="workflow-heading">
      <h2 id="workflow-heading">Workflow</h2>
      <WorkflowIntake isCompact={draft !== undefined} onWorkflow={change} />
      {draft && (
        <form
          ref={form}
          onSubmit={(event) => {
            event.preventDefault();
            void run();
          }}
        >
          <div class="draft-name">
            <h3>{draft.name}</h3>
            <button type="button" class="quiet" onClick={() => change(undefined)}>
              Close
            </button>
          </div>
          {draft.workflow.form === "editor" && (
            <p class="hint">
              Saved by the editor: the gateway converts it when it runs. Change values here by
              pasting the API form.
            </p>
          )}
          {nodeForms(draft.workflow, infos).map((form) => (
            <NodeFormView
              key={form.id}
              client={client}
              form={form}
              complaints={complaints[form.id]?.errors ?? []}
              onChange={(name, value, isFloat = false) => {
                const what = { nodeId: form.id, name, value, isFloat };
                change({ ...draft, workflow: withValue(draft.workflow, what) });
              }}
            />
          ))}
          <WorkflowSource draft={draft} onChange={change} />
          {error === undefined ? null : (
            <SubmitError error={error} titles={titlesOf(draft, infos)} />
          )}
          <div class="run-bar">
            <button type="submit" class="primary" disabled={isSending}>
              {isSending ? "Sending…" : "Run"}
            </button>
            <span class="hint">
              <kbd>Ctrl</kbd> <kbd>Enter</kbd>
            </span>
          </div>
        </form>
      )}
    </section>
  );
}

function titlesOf(draft: Draft, infos: NodeInfos): Readonly<Record<string, string>> {
  return Object.fromEntries(nodeForms(draft.workflow, infos).map(({ id, title }) => [id, title]));
}

function useRunKey(form: RefObject<HTMLFormElement | null>) {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      // A field gives what is no number when it loses the focus; the form has it with the next drawing.
      const { activeElement } = document;
      if (activeElement instanceof HTMLElement) activeElement.blur();
      setTimeout(() => {
        form.current?.requestSubmit();
        if (activeElement instanceof HTMLElement) activeElement.focus();
      });
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [form]);
}
