import { useState } from "preact/hooks";
import { type Draft, readWorkflow, workflowText } from "./workflow.ts";

export interface WorkflowSourceProps {
  readonly draft: Draft;
  readonly onChange: (draft: Draft) => void;
}

/** The workflow's own text, for what has no field. What is being typed stands as it is, even where it cannot be read yet. */
export function WorkflowSource({ draft, onChange }: WorkflowSourceProps) {
  const [typed, setTyped] = useState<string>();
  const [problem, setProblem] = useState<string>();
  const take = (text: string) => {
    setTyped(text);
    try {
      onChange({ ...draft, workflow: readWorkflow(text) });
      setProblem(undefined);
    } catch (cause) {
      setProblem(cause instanceof Error ? cause.message : String(cause));
    }
  };
  return (
    <details class="source">
      <summary>JSON</summary>
      <textarea
        aria-label="The workflow as JSON"
        rows={12}
        spellcheck={false}
        value={typed ?? workflowText(draft.workflow)}
        onInput={({ currentTarget }) => take(currentTarget.value)}
        onBlur={() => {
          if (problem === undefined) setTyped(undefined);
        }}
      />
      {problem !== undefined && (
        <p class="complaint" role="alert">
          {problem}
        </p>
      )}
    </details>
  );
}
